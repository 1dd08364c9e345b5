import { useState } from "preact/hooks";
import { api } from "./api";
import type { Sweep, SweepTable } from "./api";
import { StateMark } from "./executions";
import { Entries } from "./entries";
import { moment, short } from "./format";
import { Action, Trouble, useLoad, Wait } from "./load";
import { to } from "./route";
import { endedOf } from "./sweeps";

const lookAgain = 1500; // milliseconds, while it goes on

export function SweepPage({ id }: { id: string }) {
  const loaded = useLoad((signal) => api.sweep(id, signal), [id], (s) => (s.done ? 0 : lookAgain));
  const [error, setError] = useState("");
  const s = loaded.value;
  if (!s) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", s.projectId ?? "", "sweeps")}>Sweeps</a>
      </p>
      <div class="bar">
        <h1>
          Sweep of <span class="path">{s.notebook}</span>
        </h1>
        <span class="space" />
        {!s.done && (
          <Action run={() => api.cancelSweep(id).then(loaded.reload)} kind="danger" failed={setError}>
            Cancel
          </Action>
        )}
        <a class="button" href={api.sweepTableURL(id)} download={`${id}.json`}>
          .json
        </a>
        <a class="button" href={`${api.sweepTableURL(id)}.csv`} download={`${id}.csv`}>
          .csv
        </a>
      </div>
      <Progress sweep={s} />
      <Trouble text={error || loaded.error} />
      <Rows sweep={s} />
      <Facts sweep={s} />
    </>
  );
}

function Progress({ sweep: s }: { sweep: Sweep }) {
  return (
    <>
      {!s.done && <progress max={s.total || 1} value={endedOf(s)} aria-label="Executions that have ended" />}
      <p role="status">
        {endedOf(s)} of {s.total} have ended:{" "}
        {(s.states ?? []).map(({ state, executions }) => (
          <>
            {executions} <StateMark state={state} />{" "}
          </>
        ))}
      </p>
    </>
  );
}

// Rows is the table of inputs against output variables, looked at again when an
// execution's state has changed.
function Rows({ sweep: s }: { sweep: Sweep }) {
  const table = useLoad((signal) => api.sweepTable(s.id ?? "", signal), [s.id, JSON.stringify(s.states)]);
  return (
    <section aria-label="Inputs against output variables">
      <h2>Inputs against output variables</h2>
      <Trouble text={table.error} />
      {table.value ? <Table table={table.value} /> : !table.error && <Wait />}
    </section>
  );
}

function Table({ table }: { table: SweepTable }) {
  const inputs = table.inputs ?? [];
  const outputs = table.outputs ?? [];
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Table, scrolls sideways">
      <table data-testid="sweep">
        <thead>
          <tr>
            <th scope="col">Execution</th>
            {inputs.map((name) => (
              <th scope="col" key={`input ${name}`}>
                <code>{name}</code>
              </th>
            ))}
            {outputs.map((name) => (
              <th scope="col" class="result" key={`output ${name}`}>
                <code>{name}</code> <span class="unseen">output</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(table.rows ?? []).map((row, i) => (
            <tr key={row.executionId}>
              <th scope="row">
                <a href={to("executions", row.executionId ?? "")}>{i + 1}</a> <StateMark state={row.state} />
              </th>
              {inputs.map((name) => (
                <td key={`input ${name}`} class="value">
                  {shown(row.inputs, name)}
                </td>
              ))}
              {outputs.map((name) => (
                <td key={`output ${name}`} class="value result">
                  {shown(row.outputs, name)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function shown(values: object | undefined, name: string): string {
  const all = (values ?? {}) as Record<string, unknown>;
  return name in all ? short(all[name]) : "–";
}

function Facts({ sweep: s }: { sweep: Sweep }) {
  const facts: [string, string | undefined][] = [
    ...Object.entries(s.inputVariables ?? {}).map(([name, value]): [string, string] => [name, short(value)]),
    ["spec", s.spec],
    ["priority", s.priority ? String(s.priority) : undefined],
    ["created", moment(s.createdAt)],
    ["by", s.createdBy],
    ["id", s.id],
  ];
  return (
    <section aria-label="Details">
      <h2>Details</h2>
      <dl>
        <Entries of={facts} />
      </dl>
    </section>
  );
}
