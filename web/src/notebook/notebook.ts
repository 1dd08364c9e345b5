// What a notebook holds, as nbformat 4 has it, and how it is read from a file.
// Text may be a list of lines there; here it is always one string.

export type Bundle = Record<string, unknown>;

export type Output =
  | { output_type: "stream"; name: string; text: string }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] }
  | {
      output_type: "display_data" | "execute_result";
      data: Bundle;
      metadata: Bundle;
      displayID?: string;
    };

export type Progress = "idle" | "running" | "done";

export interface Cell {
  type: "code" | "markdown" | "raw";
  id: string;
  source: string;
  tags: string[];
  hidden: { source: boolean; outputs: boolean };
  count: number;
  outputs: Output[];
  attachments: Record<string, Bundle>;
  progress: Progress;
  status: string; // of a code cell that ended: ok, error, interrupted, lost, skipped
  seconds: number; // that it ran; 0 where it is not known
  clearNext: boolean; // clear_output(wait=True): the next output replaces all
}

export interface WidgetModel {
  model_name?: string;
  model_module?: string;
  model_module_version?: string;
  state: Record<string, unknown>;
  buffers?: unknown[];
}

export interface Notebook {
  language: string;
  cells: Cell[];
  widgets: Record<string, WidgetModel>;
}

const widgetStates = "application/vnd.jupyter.widget-state+json";

type Raw = Record<string, any>;

// readNotebook takes a file of nbformat 4. What it does not know it leaves out.
export function readNotebook(raw: unknown): Notebook {
  const nb = object(raw);
  if (nb.nbformat !== 4 || !Array.isArray(nb.cells)) {
    throw new Error("this is no notebook of nbformat 4");
  }
  const metadata = object(nb.metadata);
  const states = object(object(object(metadata.widgets)[widgetStates]).state);
  return {
    language: String(object(metadata.language_info).name ?? object(metadata.kernelspec).language ?? "python"),
    cells: nb.cells.map((cell: unknown, i: number) => readCell(object(cell), i)),
    widgets: states as Record<string, WidgetModel>,
  };
}

function readCell(cell: Raw, index: number): Cell {
  const metadata = object(cell.metadata);
  const jupyter = object(metadata.jupyter);
  const outputs = Array.isArray(cell.outputs) ? cell.outputs.map((o: unknown) => readOutput(object(o))) : [];
  const failed = outputs.some((o) => o.output_type === "error");
  const seconds = duration(object(metadata.execution));
  return {
    type: cell.cell_type === "markdown" || cell.cell_type === "raw" ? cell.cell_type : "code",
    id: String(cell.id ?? index),
    source: text(cell.source),
    tags: Array.isArray(metadata.tags) ? metadata.tags.map(String) : [],
    hidden: { source: Boolean(jupyter.source_hidden), outputs: Boolean(jupyter.outputs_hidden) },
    count: Number(cell.execution_count ?? 0),
    outputs,
    attachments: object(cell.attachments),
    progress: seconds > 0 || cell.execution_count ? "done" : "idle",
    status: failed ? "error" : seconds > 0 || cell.execution_count ? "ok" : "",
    seconds,
    clearNext: false,
  };
}

export function readOutput(output: Raw): Output {
  switch (output.output_type) {
    case "stream":
      return { output_type: "stream", name: String(output.name), text: terminal("", text(output.text)) };
    case "error":
      return {
        output_type: "error",
        ename: String(output.ename),
        evalue: String(output.evalue),
        traceback: Array.isArray(output.traceback) ? output.traceback.map(String) : [],
      };
    default:
      return {
        output_type: output.output_type === "execute_result" ? "execute_result" : "display_data",
        data: bundle(object(output.data)),
        metadata: object(output.metadata),
      };
  }
}

// bundle joins the lines of texts; what is JSON is left as it is.
function bundle(data: Raw): Bundle {
  const joined: Bundle = {};
  for (const [mime, value] of Object.entries(data)) {
    joined[mime] = mime.endsWith("json") ? value : text(value);
  }
  return joined;
}

// duration is what Jupyter's times in metadata.execution say, in seconds.
export function duration(times: Raw): number {
  const from = Date.parse(times["iopub.status.busy"] ?? times["iopub.execute_input"]);
  const to = Date.parse(times["iopub.status.idle"] ?? times["shell.execute_reply"]);
  return to > from ? (to - from) / 1000 : 0;
}

// terminal appends text to what stands, as a terminal would: a carriage return
// goes to the start of the line, a backspace one back.
export function terminal(before: string, added: string): string {
  if (!/[\r\x08]/.test(added) && !before.endsWith("\r")) return before + added;
  const start = before.lastIndexOf("\n") + 1;
  let done = before.slice(0, start);
  for (const [i, whole] of (before.slice(start) + added).split("\n").entries()) {
    if (i > 0) done += "\n";
    done += overwritten(whole);
  }
  return done;
}

function overwritten(line: string): string {
  // A return at the very end is kept: what follows it is not here yet.
  const pending = /\r+$/.test(line) ? "\r" : "";
  let shown = "";
  for (let part of line.replace(/\r+$/, "").split("\r")) {
    while (/[^\x08]\x08/.test(part)) part = part.replace(/[^\x08]\x08/g, "");
    part = part.replaceAll("\b", "");
    // Erase in line: what stood there is gone.
    shown = part.includes("\u001b[K") || part.includes("\u001b[2K") ? part.replace(/\u001b\[2?K/g, "") : part + shown.slice(part.length);
  }
  return shown + pending;
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.join("");
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}

function object(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};
}
