import type { Cell } from "./notebook";

// code is a cell for tests.
export function code(source: string, tags: string[] = []): Cell {
  return {
    type: "code",
    id: "",
    source,
    tags,
    hidden: { source: false, outputs: false },
    count: 0,
    outputs: [],
    attachments: {},
    progress: "idle",
    status: "",
    seconds: 0,
    clearNext: false,
  };
}
