import { useState } from "preact/hooks";
import { api } from "./api";
import type { Schedule } from "./api";
import { Executions } from "./executions";
import { Entries } from "./entries";
import { due, moment, short } from "./format";
import { Action, Trouble, useLoad, Wait } from "./load";
import { go, to } from "./route";
import { Last, PausedMark, timing } from "./schedules";

const oneHour = 3_600_000; // milliseconds
const soon = 3000;

export function SchedulePage({ id }: { id: string }) {
  const loaded = useLoad((signal) => api.schedule(id, signal), [id], afterNext);
  const [error, setError] = useState("");
  const s = loaded.value;
  if (!s) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", s.projectId ?? "", "schedules")}>Schedules</a>
      </p>
      <Head schedule={s} changed={loaded.reload} failed={setError} />
      <Trouble text={error || loaded.error} />
      <div class="halves">
        <Next schedule={s} />
        <Facts schedule={s} />
      </div>
      <h2>Executions</h2>
      <Executions project={s.projectId ?? ""} schedule={id} />
    </>
  );
}

// afterNext is when the due times are others: once the next one is past.
function afterNext(s: Schedule): number {
  const next = s.next?.[0];
  return next ? Math.min(Math.max(Date.parse(next) - Date.now(), 0) + soon, oneHour) : 0;
}

function Head({ schedule: s, changed, failed }: { schedule: Schedule; changed: () => void; failed: (text: string) => void }) {
  const id = s.id ?? "";
  const pause = async () => {
    await api.updateSchedule(id, { paused: !s.paused }, "paused");
    changed();
  };
  const remove = async () => {
    if (!confirm(`Delete ${s.name}? Its executions stay.`)) return;
    await api.deleteSchedule(id);
    go(to("projects", s.projectId ?? "", "schedules"));
  };
  return (
    <div class="bar">
      <h1>{s.name}</h1>
      <span role="status">{s.paused && <PausedMark />}</span>
      <span class="space" />
      <Action run={async () => go(to("executions", (await api.runSchedule(id)).id ?? ""))} kind="primary" failed={failed}>
        Run now
      </Action>
      <Action run={pause} failed={failed}>
        {s.paused ? "Resume" : "Pause"}
      </Action>
      <a class="button" href={to("schedules", id, "edit")}>
        Change
      </a>
      <Action run={remove} kind="danger" failed={failed}>
        Delete
      </Action>
    </div>
  );
}

function Next({ schedule: s }: { schedule: Schedule }) {
  const next = s.next ?? [];
  return (
    <section aria-label="Next times">
      <h2>Next times</h2>
      <p>{timing(s)}</p>
      {next.length === 0 && <p class="soft">{s.paused ? "None, while it is paused." : "There are none."}</p>}
      <ol>
        {next.map((time) => (
          <li key={time}>
            <time dateTime={time}>{due(time, s.timeZone ?? "")}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

const catchUps: Record<string, string> = { CATCH_UP_SKIP: "run none", CATCH_UP_LAST: "run the newest", CATCH_UP_ALL: "run them all, the newest 100" };
const overlaps: Record<string, string> = { OVERLAP_ALLOW: "start another one", OVERLAP_SKIP: "let the time pass" };

function Facts({ schedule: s }: { schedule: Schedule }) {
  const facts: [string, string | undefined][] = [
    ...Object.entries(s.inputVariables ?? {}).map(([name, value]): [string, string] => [name, short(value)]),
    ["output variables", s.outputVariableNames?.join(", ")],
    ["spec", s.spec],
    ["priority", s.priority ? String(s.priority) : undefined],
    ["missed times", catchUps[s.catchUp ?? ""]],
    ["while one runs", overlaps[s.overlap ?? ""]],
    ["created", moment(s.createdAt)],
    ["by", s.createdBy],
    ["id", s.id],
  ];
  return (
    <section aria-label="Details">
      <h2>Details</h2>
      <dl>
        <dt>notebook</dt>
        <dd>
          <a class="path" href={to("projects", s.projectId ?? "", "view", s.notebook ?? "")}>
            {s.notebook}
          </a>
        </dd>
        <dt>last time</dt>
        <dd>
          <Last schedule={s} />
        </dd>
        <Entries of={facts} />
      </dl>
    </section>
  );
}
