import { readNotebook } from "../notebook/notebook";
import { api } from "./api";
import { allFiles } from "./files";
import { parametersOf } from "./parameters";
import type { Parameter } from "./parameters";
import type { Work } from "./work";

// Given is what the forms begin with.
export interface Given {
  project: string;
  notebook: string;
  parameters: Parameter[];
  before: Work | undefined; // of an earlier execution
}

// parametersIn reads the parameters of a project's notebook.
export async function parametersIn(project: string, notebook: string): Promise<Parameter[]> {
  return parametersOf(readNotebook(await api.readFile(project, notebook)).cells);
}

// notebooksOf lists the paths of a project's notebooks.
export async function notebooksOf(project: string): Promise<string[]> {
  return (await allFiles(project)).map((f) => f.path ?? "").filter((path) => path.endsWith(".ipynb"));
}
