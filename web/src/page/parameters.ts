import type { Cell } from "../notebook/notebook";

export interface Parameter {
  name: string;
  type: "string" | "int" | "float" | "bool" | "json";
  default: string; // as it is written in the notebook
  help: string; // the comment behind it
  value: unknown; // of the default, undefined where it is no literal
}

// Kind is how a value is typed: as that of a parameter, or of any variable.
export type Kind = Parameter["type"] | "free";

const assignment = /^([A-Za-z_][A-Za-z0-9_]*)\s*(?::\s*([^=]+?))?\s*=\s*(?!=)([\s\S]*)$/;

// parametersOf reads the cell that is tagged parameters: what it assigns at its
// top level, as Quire reads it when it injects. A default that is no literal is
// shown as it is written.
export function parametersOf(cells: Cell[]): Parameter[] {
  const cell = cells.find((c) => c.type === "code" && c.tags.includes("parameters"));
  if (!cell) return [];
  const found = new Map<string, Parameter>();
  for (const statement of statements(cell.source)) {
    const match = assignment.exec(statement);
    if (!match) continue;
    const [, name = "", annotation = "", rest = ""] = match;
    const [written, comment] = cutComment(rest);
    const value = literal(written);
    found.set(name, {
      name,
      type: typeOf(value, written, /^type:\s*(\w+)/.exec(comment)?.[1] ?? annotation),
      default: written,
      help: comment,
      value,
    });
  }
  return [...found.values()];
}

// statements joins lines while a bracket or a triple quote is open, and leaves
// out those that are indented.
function statements(source: string): string[] {
  const all: string[] = [];
  let open = "";
  for (const line of source.split("\n")) {
    if (!open && (/^\s/.test(line) || line.trim() === "" || line.startsWith("#"))) continue;
    open = open ? `${open}\n${line}` : line;
    if (isOpen(open)) continue;
    all.push(open);
    open = "";
  }
  return all;
}

function isOpen(text: string): boolean {
  let depth = 0;
  for (const token of tokens(text)) {
    if (/^[([{]$/.test(token)) depth++;
    else if (/^[)\]}]$/.test(token)) depth--;
    else if (/^("""|''')$/.test(token)) return true; // not closed
  }
  return depth > 0;
}

const tokenPattern = /"""[\s\S]*?"""|'''[\s\S]*?'''|"""|'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*|[\s\S]/g;

function tokens(text: string): string[] {
  return (text.match(tokenPattern) ?? []).filter((t) => !t.startsWith("#"));
}

// cutComment takes comments out, and returns the one behind the value.
function cutComment(text: string): [code: string, comment: string] {
  let code = "";
  let comment = "";
  for (const token of text.match(tokenPattern) ?? []) {
    if (token.startsWith("#")) {
      comment = token.slice(1).trim();
      continue;
    }
    if (token.trim() !== "") comment = "";
    code += token;
  }
  return [code.trim(), comment];
}

// literal reads a Python literal as the value that JSON has for it.
export function literal(text: string): unknown {
  if (text === "True") return true;
  if (text === "False") return false;
  if (text === "None") return null;
  if (/^[+-]?\d[\d_]*(\.\d*)?([eE][+-]?\d+)?$/.test(text)) return Number(text.replaceAll("_", ""));
  let json = "";
  for (const token of text.match(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\w+|[\s\S]/g) ?? []) {
    if (token.length > 1 && token.startsWith("'")) json += JSON.stringify(token.slice(1, -1).replace(/\\'/g, "'"));
    else json += { True: "true", False: "false", None: "null", "(": "[", ")": "]" }[token] ?? token;
  }
  try {
    return JSON.parse(json.replace(/,(\s*[\]}])/g, "$1"));
  } catch {
    return undefined;
  }
}

function typeOf(value: unknown, written: string, said: string): Parameter["type"] {
  if (/^(str|string)$/i.test(said)) return "string";
  if (/^(int|float|bool)$/i.test(said)) return said.toLowerCase() as Parameter["type"];
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return /[.eE]/.test(written) ? "float" : "int";
  return "json";
}

// read turns what was typed into a value of the type, or says why it is none. A
// variable of no known type is free: JSON where it is that, else the text.
export function read(type: Kind, typed: string): unknown {
  switch (type) {
    case "string":
      return typed;
    case "free":
      return free(typed);
    case "bool":
      if (!/^\s*(true|false)\s*$/.test(typed)) throw new Error("must be true or false");
      return typed.trim() === "true";
    case "int":
      if (!/^[+-]?\d+$/.test(typed.trim())) throw new Error("must be a whole number");
      return Number(typed);
    case "float":
      if (typed.trim() === "" || Number.isNaN(Number(typed))) throw new Error("must be a number");
      return Number(typed);
    default:
      try {
        return JSON.parse(typed);
      } catch {
        throw new Error('must be JSON, such as [1, 2] or "text"');
      }
  }
}

function free(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

// written is a value as it is typed into the form, such that read returns it. A
// placeholder of a schedule stands as it is, whatever the type.
export function written(type: Kind, value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") {
    if (type === "string" || value.includes("{{")) return value;
    if (type === "free" && !value.includes("\n") && free(value) === value) return value;
  }
  return JSON.stringify(value);
}
