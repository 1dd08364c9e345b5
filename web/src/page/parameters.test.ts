import { expect, test } from "vitest";
import { code } from "../notebook/testing";
import { literal, parametersOf, read, written } from "./parameters";

test("parameters are read with their types and defaults", () => {
  const source = [
    "# what to report",
    'region = "north"  # or south, "east"',
    "top: int = 2",
    "ratio = 0.5",
    "big = 1_000",
    "flag = True",
    "names = ['a', 'it\\'s', # the first",
    "  'c']",
    "nothing = None",
    "day = date.today()",
    "if flag:",
    "    inner = 1",
    'text = """two',
    'lines"""',
    "typed = None  # type: float",
    "flag == False",
    "top = 3",
  ].join("\n");
  const got = parametersOf([code("x = 1"), code(source, ["parameters"])]).map((p) => [p.name, p.type, p.value, p.help]);
  expect(got).toEqual([
    ["region", "string", "north", 'or south, "east"'],
    ["top", "int", 3, ""],
    ["ratio", "float", 0.5, ""],
    ["big", "int", 1000, ""],
    ["flag", "bool", true, ""],
    ["names", "json", ["a", "it's", "c"], ""],
    ["nothing", "json", null, ""],
    ["day", "json", undefined, ""],
    ["text", "json", undefined, ""],
    ["typed", "float", null, "type: float"],
  ]);
  expect(parametersOf([code("x = 1")])).toEqual([]);
});

test("literals are read as JSON has them", () => {
  for (const [text, want] of [
    ["'it\\'s'", "it's"],
    ["[1, 'a', True, None,]", [1, "a", true, null]],
    ["{'a': (1, 2)}", { a: [1, 2] }],
    ["-1.5e3", -1500],
    ["f()", undefined],
  ] as const) {
    expect(literal(text), text).toEqual(want);
  }
});

test("what is typed is a value of the type, or refused", () => {
  expect(read("int", " 12 ")).toBe(12);
  expect(() => read("int", "1.5")).toThrow("whole number");
  expect(() => read("float", "x")).toThrow("number");
  expect(read("bool", "false")).toBe(false);
  expect(() => read("json", "[1")).toThrow("JSON");
  expect(() => read("bool", "maybe")).toThrow("true or false");
  expect(read("free", "[1]")).toEqual([1]);
  expect(read("free", "north")).toBe("north");
});

test("what is written is read as the same value", () => {
  for (const value of ["north", "5", "true", "two\nlines", "{", 5, true, null, [1, "a"], { a: 1 }]) {
    expect(read("free", written("free", value)), String(value)).toEqual(value);
    expect(read("json", written("json", value)), String(value)).toEqual(value);
  }
  expect(written("int", "{{ scheduled_unix }}")).toBe("{{ scheduled_unix }}");
});
