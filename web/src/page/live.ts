import { duration, readNotebook } from "../notebook/notebook";
import type { Event } from "../notebook/apply";
import { api } from "./api";
import type { Execution } from "./api";
import { ended } from "./format";
import type { Sheet } from "./frame";
import { kinds, noUse, take as takeUse } from "./usage";
import type { Use } from "./usage";
import { watch } from "./watch";

// Step is a cell on the time line.
export interface Step {
  cell: number;
  title: string;
  status: string; // "" before it runs, running, or how it ended
  seconds: number;
  since: number; // when it began, milliseconds; 0 where that is not known
}

// Live is what the page knows of an execution.
export interface Live {
  execution?: Execution;
  steps: Step[];
  use: Use;
  phase: string;
  connected: boolean;
  error?: string;
}

// follow shows an execution: at once where it has ended, else event by event
// until it has. It calls changed after each change of what it returns by live.
export async function follow(id: string, sheet: Sheet, changed: (live: Live) => void, signal: AbortSignal): Promise<void> {
  const live: Live = { steps: [], use: noUse, phase: "", connected: true };
  const tell = () => signal.aborted || changed({ ...live });
  try {
    live.execution = await api.execution(id, signal);
    tell();
    await load(id, live, sheet, signal);
    tell();
    const over = ended(live.execution.state);
    if (!over) await followEvents(id, live, sheet, tell, signal);
    reveal(live.execution, sheet);
    if (over) await loadUse(id, live, signal);
  } catch (error) {
    live.error = (error as Error).message;
  }
  tell();
}

async function load(id: string, live: Live, sheet: Sheet, signal: AbortSignal): Promise<void> {
  const raw = await api.notebook(id, signal);
  live.steps = stepsOf(raw);
  sheet.show(raw);
}

// loadUse takes what an execution that has ended has used: the notebook tells
// all else.
async function loadUse(id: string, live: Live, signal: AbortSignal): Promise<void> {
  const watcher = { events: (events: Event[]) => void (live.use = events.reduce(takeUse, live.use)), connected() {} };
  await watch(id, watcher, signal, kinds);
}

async function followEvents(id: string, live: Live, sheet: Sheet, tell: () => void, signal: AbortSignal): Promise<void> {
  let turn = Promise.resolve();
  const watcher = {
    events(events: Event[]) {
      turn = turn.then(() => take(events)).catch((error: Error) => void (live.error = error.message)).then(tell);
    },
    connected(yes: boolean) {
      live.connected = yes;
      tell();
    },
  };
  const take = async (events: Event[]) => {
    // An attempt's notebook has the cell that was injected into it.
    if (events.some((e) => e.started)) await load(id, live, sheet, signal);
    for (const event of events) note(live, event);
    sheet.events(events);
    if (events.some((e) => e.started || e.kernelStarting || e.kernelReady || e.finished)) {
      live.execution = await api.execution(id, signal);
    }
  };
  await watch(id, watcher, signal);
  await turn;
  live.execution = await api.execution(id, signal);
}

// note keeps the time line.
function note(live: Live, event: Event): void {
  live.use = takeUse(live.use, event);
  if (event.started) {
    live.steps = live.steps.map((s) => ({ ...s, status: "", seconds: 0, since: 0 }));
    live.phase = "Preparing the environment";
  } else if (event.kernelStarting) {
    live.phase = `Starting the kernel ${event.kernelStarting.kernel}`;
  } else if (event.kernelReady) {
    live.phase = "Running";
  } else if (event.finished) {
    live.phase = "";
  }
  const at = event.cellStarted?.cell ?? event.cellFinished?.cell;
  if (at === undefined) return;
  live.steps = live.steps.map((step) => {
    if (step.cell !== at) return step;
    if (event.cellStarted) return { ...step, status: "running", since: Date.parse(event.time ?? "") };
    const end = event.cellFinished;
    return { ...step, status: end?.status ?? "", seconds: duration(end?.timing ?? {}) };
  });
  const execution = live.execution;
  if (event.cellFinished && execution) live.execution = { ...execution, cellsDone: live.steps.filter((s) => s.status && s.status !== "running").length };
}

export function stepsOf(raw: unknown): Step[] {
  return readNotebook(raw).cells.flatMap((cell, i) =>
    cell.type !== "code" || cell.source.trim() === ""
      ? []
      : [{ cell: i, title: titleOf(cell.source), status: cell.status, seconds: cell.seconds, since: 0 }],
  );
}

// titleOf is the first line that says something.
function titleOf(source: string): string {
  const line = source.split("\n").find((l) => l.trim() !== "") ?? "";
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

function reveal(e: Execution, sheet: Sheet): void {
  if (e.failure?.cell !== undefined && e.state !== "SUCCEEDED") sheet.reveal(e.failure.cell);
}
