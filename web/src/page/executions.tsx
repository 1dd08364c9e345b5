import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "./api";
import type { Execution } from "./api";
import { ended, moment, took } from "./format";
import { Trouble, Wait } from "./load";
import { go, to } from "./route";

const states = ["QUEUED", "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"];
const pageSize = 100;
const lookAgain = 3000; // milliseconds, while something on the first page goes on

export function Executions({ project }: { project: string }) {
  const [state, setState] = useState("");
  const [picked, setPicked] = useState<string[]>([]);
  const list = useExecutions(project, state);
  const pick = (id: string) => setPicked((before) => (before.includes(id) ? before.filter((p) => p !== id) : [...before, id].slice(-2)));
  const [left, right] = picked;
  return (
    <section aria-label="Executions">
      <div class="bar">
        <label class="inline">
          State
          <select value={state} onChange={(e) => setState(e.currentTarget.value)}>
            <option value="">all</option>
            {states.map((s) => (
              <option key={s}>{s}</option>
            ))}
          </select>
        </label>
        <span class="space" />
        <button type="button" disabled={!left || !right} onClick={() => left && right && go(to("compare", left, right))}>
          Compare two
        </button>
        <a class="button" href={to("projects", project, "files")}>
          Run a notebook
        </a>
      </div>
      <Trouble text={list.error} />
      {list.items ? <Table items={list.items} picked={picked} pick={pick} /> : !list.error && <Wait />}
      {list.more && <More load={list.more} />}
    </section>
  );
}

function Table({ items, picked, pick }: { items: Execution[]; picked: string[]; pick: (id: string) => void }) {
  if (items.length === 0) return <p class="soft">None yet.</p>;
  return (
    <table class="executions">
      <thead>
        <tr>
          <th scope="col">
            <span class="unseen">Compare</span>
          </th>
          <th scope="col">Notebook</th>
          <th scope="col">State</th>
          <th scope="col">Cells</th>
          <th scope="col" class="wide">Created</th>
          <th scope="col">Took</th>
          <th scope="col" class="wide">Units</th>
        </tr>
      </thead>
      <tbody>
        {items.map((e) => (
          <tr key={e.id}>
            <td>
              <input type="checkbox" aria-label={`Compare ${e.id}`} checked={picked.includes(e.id ?? "")} onChange={() => pick(e.id ?? "")} />
            </td>
            <td>
              <a href={to("executions", e.id ?? "")}>{e.notebook}</a>
              <div class="soft small inputs">{inputsOf(e)}</div>
            </td>
            <td>
              <StateMark state={e.state} />
            </td>
            <td class="number">
              {e.cellsDone}/{e.cellsTotal}
            </td>
            <td class="wide">{moment(e.createdAt)}</td>
            <td class="number">{took(e)}</td>
            <td class="number wide">{e.units}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inputsOf(e: Execution): string {
  const text = Object.entries(e.inputVariables ?? {})
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join("  ");
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

export function StateMark({ state = "" }: { state?: string | undefined }) {
  return <span class={`state ${state.toLowerCase()}`}>{state}</span>;
}

// More loads the next page when it is scrolled to, or clicked.
function More({ load }: { load: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const observer = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && void latest.current(), { rootMargin: "600px" });
    if (button.current) observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button type="button" ref={button} onClick={() => void load()}>
      More
    </button>
  );
}

// useExecutions holds the pages that were asked for, and looks at the first one
// again while anything on it goes on.
function useExecutions(project: string, state: string) {
  const [items, setItems] = useState<Execution[]>();
  const [next, setNext] = useState("");
  const [error, setError] = useState<string>();
  const loading = useRef(false);
  useEffect(() => {
    let gone = false;
    let timer = 0;
    setItems(undefined);
    const look = async (first: boolean) => {
      try {
        const page = await api.executions(project, state, "", pageSize);
        if (gone) return;
        setItems((before) => (first || !before ? page.items : merged(page.items, before)));
        if (first) setNext(page.next);
        setError(undefined);
        const goesOn = page.items.some((e) => !ended(e.state));
        timer = window.setTimeout(() => void look(false), goesOn ? lookAgain : lookAgain * 5);
      } catch (e) {
        if (!gone) setError((e as Error).message);
      }
    };
    void look(true);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [project, state]);
  const more = async () => {
    if (loading.current || !next) return;
    loading.current = true;
    try {
      const page = await api.executions(project, state, next, pageSize);
      setItems((before) => merged(before ?? [], page.items));
      setNext(page.next);
    } catch (e) {
      setError((e as Error).message);
    }
    loading.current = false;
  };
  return { items, error, more: next ? more : undefined };
}

// merged puts lists one after the other; of what is in both the first wins.
function merged(first: Execution[], second: Execution[]): Execution[] {
  const known = new Set(first.map((e) => e.id));
  return [...first, ...second.filter((e) => !known.has(e.id))];
}
