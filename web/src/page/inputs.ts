import { read, written } from "./parameters";
import type { Kind, Parameter } from "./parameters";

// Way is how a notebook is run: once, on a schedule, or for each combination of
// values.
export type Way = "run" | "schedule" | "sweep";

// Free is a variable that is no parameter of the notebook's.
export interface Free {
  name: string;
  value: string;
}

// Inputs are what a form was read as: the values of each variable, one but in a
// sweep, and what is wrong with a parameter, or with the free variable i, under
// "free i".
export interface Inputs {
  values: Record<string, unknown[]>;
  wrong: Record<string, string>;
}

// readInputs reads the form. A parameter that stands as the notebook has it is
// left to the notebook; one that stands as in the inputs before is what it was.
export function readInputs(way: Way, parameters: Parameter[], typed: Record<string, string>, before: Record<string, unknown>, others: Free[]): Inputs {
  const values: Record<string, unknown[]> = {};
  const wrong: Record<string, string> = {};
  for (const p of parameters) {
    const text = typed[p.name] ?? "";
    const given = p.name in before;
    if (text === written(p.type, given ? before[p.name] : p.value)) {
      if (given) values[p.name] = [before[p.name]];
      continue;
    }
    try {
      values[p.name] = readers[way](p.type, text);
    } catch (e) {
      wrong[p.name] = (e as Error).message;
    }
  }
  for (const [i, o] of others.entries()) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(o.name)) values[o.name] = readers[way]("free", o.value);
    else wrong[`free ${i}`] = "the name must be letters, digits and _";
  }
  return { values, wrong };
}

const readers: Record<Way, (type: Kind, typed: string) => unknown[]> = {
  run: (type, typed) => [read(type, typed)],
  // A placeholder stands for text, whatever the parameter's default is.
  schedule(type, typed) {
    try {
      return [read(type, typed)];
    } catch (error) {
      if (typed.includes("{{")) return [typed];
      throw error;
    }
  },
  sweep(type, typed) {
    const lines = typed.split("\n").filter((line) => line.trim() !== "");
    return (lines.length ? lines : [""]).map((line) => read(type, line));
  },
};
