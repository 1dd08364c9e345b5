import { expect, test } from "vitest";
import { readInputs } from "./inputs";
import type { Parameter } from "./parameters";

const parameters: Parameter[] = [
  { name: "region", type: "string", default: '"all"', help: "", value: "all" },
  { name: "top", type: "int", default: "2", help: "", value: 2 },
  { name: "flag", type: "bool", default: "True", help: "", value: true },
];
const asDefault = { region: "all", top: "2", flag: "true" };

test("what stands as in the notebook is left to it", () => {
  expect(readInputs("run", parameters, asDefault, {}, [])).toEqual({ values: {}, wrong: {} });
  expect(readInputs("run", parameters, { ...asDefault, top: "3" }, {}, [{ name: "day", value: "7" }]).values).toEqual({ top: [3], day: [7] });
  expect(readInputs("run", parameters, { ...asDefault, top: "x" }, {}, [{ name: "a b", value: "" }]).wrong).toEqual({
    top: "must be a whole number",
    "free 0": "the name must be letters, digits and _",
  });
});

test("what stands as before is what it was", () => {
  const before = { region: "two\nlines", top: 2 };
  expect(readInputs("sweep", parameters, { ...asDefault, region: "two\nlines" }, before, []).values).toEqual({ region: ["two\nlines"], top: [2] });
});

test("a placeholder may stand where a number would", () => {
  expect(readInputs("schedule", parameters, { ...asDefault, top: "{{ scheduled_unix }}" }, {}, []).values).toEqual({ top: ["{{ scheduled_unix }}"] });
  expect(readInputs("schedule", parameters, { ...asDefault, top: "soon" }, {}, []).wrong).toEqual({ top: "must be a whole number" });
});

test("a sweep has a value a line", () => {
  const typed = { region: "north\nsouth\n", top: "1\n\n 2 ", flag: "true\nfalse" };
  expect(readInputs("sweep", parameters, typed, {}, [{ name: "x", value: "1\nz" }]).values).toEqual({
    region: ["north", "south"],
    top: [1, 2],
    flag: [true, false],
    x: [1, "z"],
  });
  expect(readInputs("sweep", parameters, { ...typed, flag: "maybe" }, {}, []).wrong).toEqual({ flag: "must be true or false" });
});
