import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "./api";
import type { Execution, Failure } from "./api";
import { StateMark } from "./executions";
import { Entries } from "./entries";
import { bytes, ended, moment, plain, seconds, short } from "./format";
import { Sheet, SheetFrame } from "./frame";
import { follow } from "./live";
import type { Live } from "./live";
import { Action, Trouble, Wait } from "./load";
import { go, to } from "./route";
import { TimeLine } from "./time_line";
import { noUse } from "./usage";
import { UsageChart } from "./usage_chart";

export function ExecutionPage({ id }: { id: string }) {
  const sheet = useMemo(() => new Sheet(), [id]);
  const [live, setLive] = useState<Live>({ steps: [], use: noUse, phase: "", connected: true });
  useEffect(() => {
    const stop = new AbortController();
    void follow(id, sheet, setLive, stop.signal);
    return () => stop.abort();
  }, [id]);
  const e = live.execution;
  if (!e) return live.error ? <Trouble text={live.error} /> : <Wait />;
  return (
    <div class="fill">
      <p class="crumbs">
        <a href={to("projects", e.projectId ?? "")}>Executions</a>
      </p>
      <Head execution={e} live={live} />
      <div class="split">
        <SheetFrame sheet={sheet} title={`Notebook ${e.notebook}`} />
        <aside aria-label="About this execution">
          <TimeLine execution={e} steps={live.steps} reveal={(cell) => sheet.reveal(cell)} />
          <UsageChart execution={e} use={live.use} steps={live.steps} />
          <Variables execution={e} />
          <Inputs execution={e} />
          <Facts execution={e} />
        </aside>
      </div>
    </div>
  );
}

function Head({ execution: e, live }: { execution: Execution; live: Live }) {
  const [error, setError] = useState("");
  const id = e.id ?? "";
  const over = ended(e.state);
  return (
    <>
      <div class="bar">
        <h1 class="path">{e.notebook}</h1>
        <StateMark state={e.state} />
        <span class="soft">
          {e.cellsDone}/{e.cellsTotal} cells
        </span>
        <span class="space" />
        {!over && (
          <Action run={() => api.cancel(id)} kind="danger" failed={setError}>
            Cancel
          </Action>
        )}
        {over && (
          <Action run={async () => go(to("executions", (await api.retry(id)).id ?? ""))} failed={setError}>
            Retry
          </Action>
        )}
        <a class="button" href={`${to("projects", e.projectId ?? "", "run", e.notebook ?? "")}?from=${id}`}>
          Run again…
        </a>
        <a class="button" href={api.notebookURL(id)} download>
          .ipynb
        </a>
        <a class="button" href={api.reportURL(id)} download={`${id}.html`}>
          .html
        </a>
      </div>
      {!over && <progress max={e.cellsTotal || 1} value={e.cellsDone ?? 0} aria-label="Cells done" />}
      <p role="status" class={over ? "unseen" : "soft"}>
        {over ? `The execution has ended: ${e.state}` : live.connected ? live.phase || "Waiting" : "The connection is lost; trying again…"}
      </p>
      <Trouble text={error || live.error} />
      {e.failure && <Reason failure={e.failure} />}
    </>
  );
}

const kinds: Record<string, string> = {
  cell: "A cell raised",
  kernel: "The kernel died",
  limit: "Stopped by a limit",
  cancel: "Cancelled",
  quire: "Quire could not run it",
};

function Reason({ failure: f }: { failure: Failure }) {
  const cause = [
    f.signal && `signal ${f.signal}`,
    f.exitStatus !== undefined && `exit status ${f.exitStatus}`,
    f.limit && `limit ${f.limit}`,
    Number(f.memoryLimitBytes) > 0 && `memory limit ${bytes(Number(f.memoryLimitBytes))}`,
    Number(f.peakMemoryBytes) > 0 && `peak memory ${bytes(Number(f.peakMemoryBytes))}`,
  ].filter(Boolean);
  const traceback = plain((f.traceback ?? []).join("\n"));
  return (
    <section class="reason" aria-label="Why it did not succeed">
      <strong>{kinds[f.kind ?? ""] ?? "It failed"}: </strong>
      {f.errorName ? `${f.errorName}: ${plain(f.errorValue ?? "")}` : f.message}
      {cause.length > 0 && <span class="soft"> ({cause.join(", ")})</span>}
      {traceback && (
        <details>
          <summary>Traceback</summary>
          <pre tabIndex={0}>{traceback}</pre>
        </details>
      )}
    </section>
  );
}

function Variables({ execution: e }: { execution: Execution }) {
  const variables = e.outputVariables ?? [];
  if (variables.length === 0) return null;
  return (
    <section aria-label="Output variables">
      <h2>Output variables</h2>
      <table class="small" data-testid="variables">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {variables.map((v) => (
            <tr key={v.name}>
              <th scope="row">{v.name}</th>
              <td>{v.type}</td>
              <td class="value">
                {v.type === "missing" ? <span class="soft">not defined</span> : short(v.value)}
                {v.truncated && <span class="soft"> (cut)</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Inputs({ execution: e }: { execution: Execution }) {
  const inputs = Object.entries(e.inputVariables ?? {});
  if (inputs.length === 0) return null;
  return (
    <section aria-label="Inputs">
      <h2>Inputs</h2>
      <dl>
        {inputs.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{short(value)}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function Facts({ execution: e }: { execution: Execution }) {
  const b = e.bounds;
  const facts: [string, string | undefined][] = [
    ["id", e.id],
    ["created", moment(e.createdAt)],
    ["by", e.createdBy],
    ["finished", moment(e.finishedAt)],
    ["kernel", e.kernel],
    ["spec", e.spec],
    ["bounds", b && `${b.cpus} CPUs, ${bytes(Number(b.memoryBytes))}, ${b.processes} processes, by ${b.by}${b.clamped ? "; the spec asks for more" : ""}`],
    ["units", e.units],
    ["priority", e.priority ? String(e.priority) : undefined],
    ["attempt", e.attempt ? String(e.attempt) : undefined],
    ["cell", e.cellId],
  ];
  return (
    <section aria-label="Details">
      <h2>Details</h2>
      <dl>
        <Entries of={facts} />
        {e.retryOf && (
          <>
            <dt>retry of</dt>
            <dd>
              <a href={to("executions", e.retryOf)}>{e.retryOf}</a>, <a href={to("compare", e.retryOf, e.id ?? "")}>compare</a>
            </dd>
          </>
        )}
        {e.scheduleId && (
          <>
            <dt>schedule</dt>
            <dd>
              <a href={to("schedules", e.scheduleId)}>{e.scheduleId}</a>, due {moment(e.scheduledTime)}
            </dd>
          </>
        )}
        {e.sweepId && (
          <>
            <dt>sweep</dt>
            <dd>
              <a href={to("sweeps", e.sweepId)}>{e.sweepId}</a>
            </dd>
          </>
        )}
        {(e.attempts ?? []).map((a) => (
          <>
            <dt>attempt {a.number}</dt>
            <dd>
              lost after {seconds((Date.parse(a.finished ?? "") - Date.parse(a.started ?? "")) / 1000)}: {a.failure?.message}
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
}
