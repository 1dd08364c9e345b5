import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { readNotebook } from "../notebook/notebook";
import type { Cell } from "../notebook/notebook";
import { api } from "./api";
import type { Execution } from "./api";
import { StateMark } from "./executions";
import { moment, seconds, short, took } from "./format";
import { Sheet, SheetFrame } from "./frame";
import { Trouble, useLoad, Wait } from "./load";
import { to } from "./route";

interface Side {
  execution: Execution;
  raw: unknown;
  cells: Cell[];
}

async function side(id: string): Promise<Side> {
  const [execution, raw] = await Promise.all([api.execution(id), api.notebook(id)]);
  return { execution, raw, cells: readNotebook(raw).cells };
}

// Pair is a cell of the one and the cell of the other that is the same.
interface Pair {
  left: number | undefined;
  right: number | undefined;
  title: string;
}

export function Compare({ left, right }: { left: string; right: string }) {
  const loaded = useLoad(() => Promise.all([side(left), side(right)]), [left, right]);
  if (!loaded.value) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  const [a, b] = loaded.value;
  return <Both a={a} b={b} />;
}

function Both({ a, b }: { a: Side; b: Side }) {
  const pairs = useMemo(() => pairsOf(a.cells, b.cells), [a, b]);
  const differing = pairs.filter((p) => outputsOf(a.cells, p.left) !== outputsOf(b.cells, p.right));
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", a.execution.projectId ?? "")}>Executions</a>
      </p>
      <h1>Compare</h1>
      <Rows
        title="Executions"
        rows={[
          ["execution", <IDOf e={a.execution} />, <IDOf e={b.execution} />],
          ["notebook", a.execution.notebook, b.execution.notebook],
          ["state", <StateMark state={a.execution.state} />, <StateMark state={b.execution.state} />],
          ["created", moment(a.execution.createdAt), moment(b.execution.createdAt)],
          ["took", took(a.execution), took(b.execution)],
          ["spec", a.execution.spec, b.execution.spec],
          ["environment", a.execution.receipt?.environment?.slice(0, 19), b.execution.receipt?.environment?.slice(0, 19)],
          ["units", a.execution.units, b.execution.units],
        ]}
      />
      <Rows title="Inputs" rows={rowsOf(a.execution.inputVariables ?? {}, b.execution.inputVariables ?? {})} />
      <Rows title="Output variables" rows={rowsOf(variables(a.execution), variables(b.execution))} />
      <Rows
        title="Time by cell"
        rows={pairs.filter((p) => a.cells[p.left ?? -1]?.type === "code" || b.cells[p.right ?? -1]?.type === "code").map((p) => [p.title, time(a.cells, p.left), time(b.cells, p.right)])}
        always
      />
      <Outputs a={a} b={b} differing={differing} />
    </>
  );
}

function IDOf({ e }: { e: Execution }) {
  return <a href={to("executions", e.id ?? "")}>{e.id?.slice(0, 10)}…</a>;
}

type Content = ComponentChildren;

function Rows({ title, rows, always }: { title: string; rows: [string, Content, Content][]; always?: boolean }) {
  if (rows.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <table class="compare">
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">What</span>
            </th>
            <th scope="col">First</th>
            <th scope="col">Second</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, first, second], i) => {
            const differs = !always && typeof first !== "object" && first !== second;
            return (
              <tr key={i} class={differs ? "differs" : ""}>
                <th scope="row">{name}</th>
                <td>{first}</td>
                <td>
                  {second}
                  {differs && <span class="unseen"> differs</span>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function rowsOf(a: object, b: object): [string, string, string][] {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return names.map((name) => [name, name in left ? short(left[name]) : "–", name in right ? short(right[name]) : "–"]);
}

function variables(e: Execution): Record<string, unknown> {
  return Object.fromEntries((e.outputVariables ?? []).map((v) => [v.name, v.type === "missing" ? "not defined" : v.value]));
}

const time = (cells: Cell[], i: number | undefined): string => (i === undefined ? "–" : seconds(cells[i]?.seconds ?? 0));

// pairsOf matches cells by id, which a notebook keeps when it is edited.
function pairsOf(a: Cell[], b: Cell[]): Pair[] {
  const inB = new Map(b.map((cell, i) => [cell.id, i]));
  const pairs: Pair[] = a.map((cell, i) => ({ left: i, right: inB.get(cell.id), title: title(cell) }));
  const seen = new Set(a.map((cell) => cell.id));
  // The injected cell has a new id each time; it is the same by its place.
  for (const [i, cell] of b.entries()) {
    if (seen.has(cell.id)) continue;
    const open = pairs.find((p) => p.right === undefined && p.left !== undefined && injected(a[p.left]) && injected(cell));
    if (open) open.right = i;
    else pairs.push({ left: undefined, right: i, title: title(cell) });
  }
  return pairs;
}

const injected = (cell: Cell | undefined): boolean => cell?.tags.includes("injected-parameters") ?? false;

const title = (cell: Cell): string => cell.source.split("\n").find((l) => l.trim() !== "")?.slice(0, 80) ?? "";

function outputsOf(cells: Cell[], i: number | undefined): string {
  return JSON.stringify(i === undefined ? null : cells[i]?.outputs);
}

function Outputs({ a, b, differing }: { a: Side; b: Side; differing: Pair[] }) {
  const sheets = useMemo(() => [new Sheet(), new Sheet()] as const, [a, b]);
  const places = (which: "left" | "right") => differing.flatMap((p) => p[which] ?? []);
  useEffect(() => {
    sheets[0].show(a.raw, places("left"));
    sheets[1].show(b.raw, places("right"));
  }, [sheets]);
  return (
    <section aria-label="Differing outputs">
      <h2>Differing outputs</h2>
      {differing.length === 0 ? (
        <p class="soft">All outputs are the same.</p>
      ) : (
        <>
          <p class="soft">{differing.length} cells put out something else.</p>
          <div class="halves">
            <SheetFrame sheet={sheets[0]} title="Differing outputs of the first" />
            <SheetFrame sheet={sheets[1]} title="Differing outputs of the second" />
          </div>
        </>
      )}
    </section>
  );
}
