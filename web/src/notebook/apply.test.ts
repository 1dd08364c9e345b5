import { expect, test } from "vitest";
import { apply, noChanges } from "./apply";
import { terminal } from "./notebook";
import type { Notebook } from "./notebook";
import { code } from "./testing";

test("a display is updated in place, wherever it is shown", () => {
  const nb: Notebook = { language: "", cells: [code("a"), code("b")], widgets: {} };
  const shown = (text: string) => ({ output_type: "display_data", data: { "text/plain": text }, metadata: {} });
  for (const event of [
    { cellStarted: { cell: 0 } },
    { output: { cell: 0, displayId: "d", output: shown("1") } },
    { cellStarted: { cell: 1 } },
    { output: { cell: 1, displayId: "d", output: shown("2") } },
    { displayUpdated: { displayId: "d", data: { "text/plain": ["3\n", "4"] }, metadata: {} } },
    { outputCleared: { cell: 1, wait: true } },
  ]) {
    apply(nb, event as never, noChanges());
  }
  expect(nb.cells.map((c) => c.outputs.map((o) => "data" in o && o.data["text/plain"]))).toEqual([["3\n4"], ["3\n4"]]);
  apply(nb, { stream: { cell: 1, name: "stdout", text: "new" } } as never, noChanges());
  expect(nb.cells[1]?.outputs).toEqual([{ output_type: "stream", name: "stdout", text: "new" }]);
});

test("text is written as on a terminal", () => {
  for (const [before, added, want] of [
    ["", "10%\r20%", "20%"],
    ["a\n10%", "\r100%\n", "a\n100%\n"],
    ["10%\r", "20%", "20%"],
    ["long line", "\rab", "abng line"],
    ["", "abc\b\bX", "aX"],
    ["x", "y", "xy"],
  ] as const) {
    expect(terminal(before, added), JSON.stringify(before + added)).toBe(want);
  }
});
