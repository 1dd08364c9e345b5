import { useState } from "preact/hooks";
import { api } from "./api";
import type { Execution } from "./api";
import { ended, moment, took } from "./format";
import { Trouble, Wait } from "./load";
import { More, usePages } from "./pages";
import { go, to } from "./route";

const states = ["QUEUED", "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"];
const pageSize = 100;
const lookAgain = 3000; // milliseconds, while something on the first page goes on

// Executions are those of a project, or of one of its schedules.
export function Executions({ project, schedule = "" }: { project: string; schedule?: string }) {
  const [state, setState] = useState("");
  const [picked, setPicked] = useState<string[]>([]);
  const list = usePages(
    (token) => api.executions(project, { state, scheduleId: schedule }, token, pageSize),
    [project, state, schedule],
    (first) => (first.some((e) => !ended(e.state)) ? lookAgain : lookAgain * 5),
  );
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
        {!schedule && (
          <a class="button" href={to("projects", project, "run")}>
            Run a notebook
          </a>
        )}
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
