import type { Event } from "../notebook/apply";

// Sample is what an execution's processes use at a moment.
export interface Sample {
  at: number; // milliseconds
  cpu: number; // seconds of processor time, used so far
  memory: number; // bytes in use
}

// Span is the time that a cell runs.
export interface Span {
  cell: number;
  from: number;
  to: number; // 0 while it runs
  status: string;
}

// Use is what has been used, and by which cells, as far as events have told.
export interface Use {
  samples: Sample[];
  spans: Span[];
}

export const noUse: Use = { samples: [], spans: [] };

// kinds are the events that take needs.
export const kinds = ["started", "cellStarted", "cellFinished", "usage"];

// take returns the use after one more event.
export function take(use: Use, event: Event): Use {
  const at = Date.parse(event.time ?? "");
  if (event.started) return noUse;
  if (event.usage) {
    const sample = { at, cpu: event.usage.cpuSeconds ?? 0, memory: Number(event.usage.memoryBytes ?? 0) };
    return { ...use, samples: [...use.samples, sample] };
  }
  if (event.cellStarted) {
    const span = { cell: event.cellStarted.cell ?? 0, from: at, to: 0, status: "running" };
    return { ...use, spans: [...use.spans, span] };
  }
  const end = event.cellFinished;
  if (!end) return use;
  return { ...use, spans: use.spans.map((s) => (s.cell === (end.cell ?? 0) && s.to === 0 ? { ...s, to: at, status: end.status ?? "" } : s)) };
}

// Stretch is a time in which so many processors were in use.
export interface Stretch {
  from: number;
  to: number;
  cpus: number;
}

// shortest is the shortest stretch: what is counted in hundredths of a second
// says nothing of less, and the last sample may come right after another.
const shortest = 250;

// stretches says how many processors were in use between samples.
export function stretches(samples: Sample[]): Stretch[] {
  const apart: Sample[] = [];
  for (const s of samples) {
    const last = apart.at(-1);
    if (last && apart.length > 1 && s.at - last.at < shortest) apart.pop();
    apart.push(s);
  }
  const found: Stretch[] = [];
  for (const [i, s] of apart.entries()) {
    const before = apart[i - 1];
    if (before && s.at > before.at) found.push({ from: before.at, to: s.at, cpus: rate(before, s) });
  }
  return found;
}

function rate(from: Sample, to: Sample): number {
  return Math.max(0, to.cpu - from.cpu) / ((to.at - from.at) / 1000);
}

export interface Figures {
  cpus: number; // in use at last
  average: number;
  mostCPUs: number;
  memory: number;
  mostMemory: number;
}

// figures sums up samples, of which there is at least one.
export function figures(samples: Sample[]): Figures {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const cpus = stretches(samples).map((s) => s.cpus);
  return {
    cpus: cpus.at(-1) ?? 0,
    average: last.at > first.at ? rate(first, last) : 0,
    mostCPUs: Math.max(0, ...cpus),
    memory: last.memory,
    mostMemory: Math.max(...samples.map((s) => s.memory)),
  };
}

// range is the time that a chart shows.
export function range(use: Use): [from: number, to: number] {
  const times = [...use.samples.map((s) => s.at), ...use.spans.flatMap((s) => [s.from, s.to || s.from])];
  return [Math.min(...times), Math.max(...times)];
}

// Slice is a row of the chart's table.
export interface Slice {
  from: number; // milliseconds since the chart's begin
  to: number;
  cpus: number;
  memory: number; // the most
  cells: number[]; // those that ran
}

// slices cuts the time into count equal parts, or into fewer where there are
// not so many samples.
export function slices(use: Use, count: number): Slice[] {
  const [begin, end] = [use.samples[0]?.at ?? 0, use.samples.at(-1)?.at ?? 0];
  const n = Math.min(count, stretches(use.samples).length);
  return Array.from({ length: n }, (_, i) => {
    const from = begin + ((end - begin) * i) / n;
    const to = begin + ((end - begin) * (i + 1)) / n;
    const [a, b] = [between(use.samples, from), between(use.samples, to)];
    const within = use.samples.filter((s) => s.at >= from && s.at <= to);
    const cells = use.spans.filter((s) => s.from < to && (s.to || end) > from).map((s) => s.cell);
    return { from: from - begin, to: to - begin, cpus: rate(a, b), memory: Math.max(...[a, b, ...within].map((s) => s.memory)), cells };
  });
}

// between is what a sample at that time would have shown.
function between(samples: Sample[], at: number): Sample {
  const i = samples.findIndex((s) => s.at >= at);
  const [a, b] = [samples[i - 1], samples[i]];
  if (!b) return samples.at(-1)!;
  if (!a || b.at === a.at) return b;
  const share = (at - a.at) / (b.at - a.at);
  return { at, cpu: a.cpu + (b.cpu - a.cpu) * share, memory: a.memory + (b.memory - a.memory) * share };
}

// Scale turns a time and a value into places in a drawing.
export interface Scale {
  x(at: number): number;
  y(value: number): number;
}

export function scale([from, to]: [number, number], most: number, width: number, height: number): Scale {
  const round = (n: number) => Math.round(n * 100) / 100;
  return {
    x: (at) => round(((at - from) / Math.max(to - from, 1)) * width),
    y: (value) => round(height - (value / (most || 1)) * height),
  };
}

// steps is the line of values that hold for a time each.
export function steps(values: Stretch[], s: Scale): string {
  return values.map((v, i) => `${i ? "L" : "M"}${s.x(v.from)} ${s.y(v.cpus)}H${s.x(v.to)}`).join("");
}

// line goes from sample to sample.
export function line(samples: Sample[], s: Scale): string {
  return samples.map((v, i) => `${i ? "L" : "M"}${s.x(v.at)} ${s.y(v.memory)}`).join("");
}

// area fills what is below a line.
export function area(path: string, from: number, to: number, s: Scale): string {
  return path && `${path}L${s.x(to)} ${s.y(0)}H${s.x(from)}Z`;
}
