import { expect, test } from "vitest";
import type { Event } from "../notebook/apply";
import { area, figures, line, noUse, range, scale, slices, steps, stretches, take } from "./usage";
import type { Sample } from "./usage";

const start = Date.parse("2026-11-24T09:00:00Z");
const at = (seconds: number, event: Event): Event => ({ ...event, time: new Date(start + seconds * 1000).toISOString() });
const usage = (seconds: number, cpuSeconds: number, memory: number) => at(seconds, { usage: { cpuSeconds, memoryBytes: String(memory) } });

const events: Event[] = [
  at(-9, { cellStarted: { cell: 1 } }),
  usage(-8, 40, 9000),
  at(-1, { started: { attempt: 2 } }), // what came before was of an attempt that was lost
  usage(0, 1, 100),
  at(0, { cellStarted: { cell: 1 } }),
  at(0.1, { stream: { cell: 1, name: "stdout", text: "x" } }),
  usage(1, 2, 300),
  at(1.5, { cellFinished: { cell: 1, status: "ok" } }),
  at(1.5, { cellStarted: { cell: 3 } }),
  usage(2, 2, 200),
  usage(4, 6, 500),
];
const use = events.reduce(take, noUse);
const samples = (...all: [seconds: number, cpu: number, memory: number][]): Sample[] => all.map(([s, cpu, memory]) => ({ at: start + s * 1000, cpu, memory }));

test("events make samples and spans, those of the attempt alone", () => {
  expect(use.samples).toEqual(samples([0, 1, 100], [1, 2, 300], [2, 2, 200], [4, 6, 500]));
  expect(use.spans).toEqual([
    { cell: 1, from: start, to: start + 1500, status: "ok" },
    { cell: 3, from: start + 1500, to: 0, status: "running" },
  ]);
  expect(range(use)).toEqual([start, start + 4000]);
  // Zeroes are left out of an event's JSON by some.
  expect(take(noUse, at(0, { usage: {} })).samples).toEqual(samples([0, 0, 0]));
});

test("processors in use come from differences", () => {
  expect(stretches(use.samples).map((s) => s.cpus)).toEqual([1, 0, 2]);
  expect(figures(use.samples)).toEqual({ cpus: 2, average: 1.25, mostCPUs: 2, memory: 500, mostMemory: 500 });
  expect(figures(use.samples.slice(0, 1))).toEqual({ cpus: 0, average: 0, mostCPUs: 0, memory: 100, mostMemory: 100 });
  // A last sample right after another is one stretch with the one before.
  expect(stretches(samples([0, 0, 1], [1, 1, 1], [1.01, 1.02, 1]))).toEqual([{ from: start, to: start + 1010, cpus: 1.02 / 1.01 }]);
  expect(stretches(samples([0, 0, 1], [0.1, 0.1, 1]))).toHaveLength(1);
  expect(stretches(samples([0, 5, 1], [1, 4, 1]))[0]?.cpus).toBe(0);
  expect(stretches(samples([0, 0, 1], [0, 1, 1]))).toEqual([]);
});

test("the table has as many rows as there is to say", () => {
  expect(slices(use, 2)).toEqual([
    { from: 0, to: 2000, cpus: 0.5, memory: 300, cells: [1, 3] },
    { from: 2000, to: 4000, cpus: 2, memory: 500, cells: [3] },
  ]);
  expect(slices(use, 99)).toHaveLength(3);
  expect(slices({ ...use, samples: use.samples.slice(0, 1) }, 12)).toEqual([]);
});

test("lines are drawn in the time and below the most", () => {
  const s = scale(range(use), 2, 100, 10);
  const path = steps(stretches(use.samples), s);
  expect(path).toBe("M0 5H25L25 10H50L50 0H100");
  expect(area(path, start, start + 4000, s)).toBe(`${path}L100 10H0Z`);
  expect(area("", start, start, s)).toBe("");
  expect(line(use.samples.slice(0, 2), scale(range(use), 500, 100, 10))).toBe("M0 8L25 4");
  expect(line(use.samples.slice(0, 1), scale([start, start], 0, 100, 10))).not.toContain("NaN");
});
