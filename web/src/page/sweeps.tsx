import { api } from "./api";
import type { Sweep } from "./api";
import { moment } from "./format";
import { Trouble, Wait } from "./load";
import { More, usePages } from "./pages";
import { to } from "./route";

const lookAgain = 3000; // milliseconds, while one on the first page goes on

export function Sweeps({ project }: { project: string }) {
  const list = usePages((token) => api.sweeps(project, token), [project], (first) => (first.some((s) => !s.done) ? lookAgain : lookAgain * 5));
  return (
    <section aria-label="Sweeps">
      <div class="bar">
        <span class="space" />
        <a class="button" href={to("projects", project, "sweep")}>
          New sweep
        </a>
      </div>
      <Trouble text={list.error} />
      {list.items ? <Table items={list.items} /> : !list.error && <Wait />}
      {list.more && <More load={list.more} />}
    </section>
  );
}

function Table({ items }: { items: Sweep[] }) {
  if (items.length === 0) return <p class="soft">None yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Notebook</th>
          <th scope="col">Values</th>
          <th scope="col">Ended</th>
          <th scope="col" class="wide">
            Created
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((s) => (
          <tr key={s.id}>
            <td>
              <a class="path" href={to("sweeps", s.id ?? "")}>
                {s.notebook}
              </a>
            </td>
            <td class="inputs small">{valuesOf(s)}</td>
            <td class="number">
              {endedOf(s)}/{s.total}
            </td>
            <td class="wide">{moment(s.createdAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function valuesOf(s: Sweep): string {
  const text = Object.entries(s.values ?? {})
    .map(([name, values]) => `${name}=${JSON.stringify(values)}`)
    .join("  ");
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

// endedOf counts the executions that have ended; those that have expired had.
export function endedOf(s: Sweep): number {
  const going = (s.states ?? []).filter(({ state }) => state === "QUEUED" || state === "STARTING" || state === "RUNNING");
  return (s.total ?? 0) - going.reduce((n, { executions }) => n + (executions ?? 0), 0);
}
