import type { components } from "../gen/openapi";
import { duration, readOutput, terminal } from "./notebook";
import type { Cell, Notebook, Output } from "./notebook";

export type Event = components["schemas"]["Event"];

// Changes says what an event has changed: cells by their index, widgets by
// their id, or everything.
export interface Changes {
  cells: Set<number>;
  widgets: Set<string>;
  all: boolean;
}

export function noChanges(): Changes {
  return { cells: new Set(), widgets: new Set(), all: false };
}

// apply does to the notebook what the server does to its own, so that a page
// which has seen all events shows what the file will hold.
export function apply(nb: Notebook, event: Event, changes: Changes): void {
  if (event.started) {
    for (const cell of nb.cells) {
      if (cell.type !== "code" || cell.tags.includes("skip-execution")) continue;
      Object.assign(cell, { outputs: [], count: 0, progress: "idle", status: "", seconds: 0, clearNext: false });
    }
    nb.widgets = {};
    changes.all = true;
    return;
  }
  if (event.displayUpdated) {
    replaceDisplays(nb, event.displayUpdated, changes);
    return;
  }
  if (event.widgetUpdated) {
    updateWidget(nb, event.widgetUpdated, changes);
    return;
  }
  const index = (event.cellStarted ?? event.stream ?? event.output ?? event.outputCleared ?? event.outputCut ?? event.cellFinished)?.cell;
  const cell = index === undefined ? undefined : nb.cells[index];
  if (!cell || index === undefined) return;
  changes.cells.add(index);
  applyToCell(nb, cell, event, changes);
}

function applyToCell(nb: Notebook, cell: Cell, event: Event, changes: Changes): void {
  if (event.cellStarted) {
    Object.assign(cell, { outputs: [], progress: "running", status: "", seconds: 0, clearNext: false });
  } else if (event.stream) {
    write(place(nb, cell, event.stream.widgetId, changes), event.stream.name ?? "stdout", event.stream.text ?? "");
  } else if (event.output) {
    const output = readOutput((event.output.output ?? {}) as Record<string, unknown>);
    if ("data" in output && event.output.displayId) output.displayID = event.output.displayId;
    if (output.output_type === "stream") write(place(nb, cell, event.output.widgetId, changes), output.name, output.text);
    else place(nb, cell, event.output.widgetId, changes).push(output);
  } else if (event.outputCleared) {
    if (event.outputCleared.wait && !event.outputCleared.widgetId) cell.clearNext = true;
    else place(nb, cell, event.outputCleared.widgetId, changes).length = 0;
  } else if (event.outputCut) {
    const of = event.outputCut.limit === "notebook" ? "the notebook" : "one cell";
    cell.outputs.push({ output_type: "stream", name: "stderr", text: `[quire: output cut here, the limit for ${of} is reached]\n` });
  } else if (event.cellFinished) {
    finish(cell, event.cellFinished);
  }
}

function finish(cell: Cell, end: components["schemas"]["CellFinished"]): void {
  cell.clearNext = false;
  cell.progress = "done";
  cell.status = end.status ?? "";
  cell.count = end.executionCount || cell.count;
  cell.seconds = duration(end.timing ?? {});
  const names: Record<string, string> = { error: "Error", interrupted: "Interrupted", lost: "KernelDied" };
  const name = names[cell.status];
  if (name && !cell.outputs.some((o) => o.output_type === "error")) {
    cell.outputs.push({ output_type: "error", ename: end.errorName || name, evalue: end.errorValue ?? "", traceback: end.traceback ?? [] });
  }
}

// place returns the outputs that are written to next: a widget's that captures
// them, else the cell's.
function place(nb: Notebook, cell: Cell, widgetID: string | undefined, changes: Changes): Output[] {
  const widget = widgetID ? nb.widgets[widgetID] : undefined;
  if (widget && widgetID && widget.model_name === "OutputModel") {
    changes.widgets.add(widgetID);
    if (!Array.isArray(widget.state.outputs)) widget.state.outputs = [];
    return widget.state.outputs as Output[];
  }
  if (cell.clearNext) {
    cell.outputs.length = 0;
    cell.clearNext = false;
  }
  return cell.outputs;
}

function write(outputs: Output[], name: string, text: string): void {
  const last = outputs.at(-1);
  if (last?.output_type === "stream" && last.name === name) last.text = terminal(last.text, text);
  else outputs.push({ output_type: "stream", name, text: terminal("", text) });
}

function replaceDisplays(nb: Notebook, update: components["schemas"]["DisplayUpdated"], changes: Changes): void {
  const next = readOutput({ output_type: "display_data", data: update.data, metadata: update.metadata });
  if (!("data" in next)) return;
  for (const [i, cell] of nb.cells.entries()) {
    for (const output of cell.outputs) {
      if (!("data" in output) || output.displayID !== update.displayId) continue;
      output.data = next.data;
      output.metadata = next.metadata;
      changes.cells.add(i);
    }
  }
}

function updateWidget(nb: Notebook, update: components["schemas"]["WidgetUpdated"], changes: Changes): void {
  const id = update.widgetId ?? "";
  if (update.closed) {
    delete nb.widgets[id];
    return;
  }
  const given = (update.state ?? {}) as Record<string, unknown>;
  const widget = (nb.widgets[id] ??= { state: {}, buffers: [] });
  Object.assign(widget.state, given);
  widget.model_name = String(widget.state._model_name ?? "");
  widget.model_module = String(widget.state._model_module ?? "");
  widget.model_module_version = String(widget.state._model_module_version ?? "");
  if (update.buffers?.length) widget.buffers = [...(widget.buffers ?? []), ...update.buffers];
  changes.widgets.add(id);
}
