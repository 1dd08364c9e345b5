import { useId, useState } from "preact/hooks";
import { api } from "./api";
import type { Schedule } from "./api";
import { durationOf, typedDuration } from "./format";
import { Trouble, useLoad, Wait } from "./load";
import { notebooksOf, parametersIn } from "./notebooks";
import type { Given } from "./notebooks";
import { go, to } from "./route";
import { useWork } from "./work";

type CatchUp = NonNullable<Schedule["catchUp"]>;
type Overlap = NonNullable<Schedule["overlap"]>;

// ScheduleForm makes a schedule, or changes the one that is given.
export function ScheduleForm({ project, notebook, parameters, before, schedule: old }: Given & { schedule?: Schedule }) {
  const work = useWork("schedule", parameters, before);
  const [name, setName] = useState(old?.name ?? "");
  const [timing, setTiming] = useState<Timing>(() => timingOf(old));
  const [catchUp, setCatchUp] = useState<CatchUp>(old?.catchUp ?? "CATCH_UP_LAST");
  const [overlap, setOverlap] = useState<Overlap>(old?.overlap ?? "OVERLAP_ALLOW");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    const asked = work.read();
    if (!asked) return;
    const { lists: _, ...what } = asked;
    try {
      const wanted: Schedule = { ...what, ...sent(timing), name, notebook, catchUp, overlap, paused: old?.paused ?? false };
      const saved = old?.id ? await api.updateSchedule(old.id, wanted) : await api.createSchedule(project, wanted);
      go(to("schedules", saved.id ?? ""));
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit} noValidate>
      <label>
        Name of the schedule
        <input name="name" value={name} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <TimingInput timing={timing} set={(part) => setTiming((now) => ({ ...now, ...part }))} />
      <Placeholders />
      {work.fields}
      <label>
        Times that were missed while the server was down
        <select value={catchUp} onChange={(e) => setCatchUp(e.currentTarget.value as CatchUp)}>
          <option value="CATCH_UP_LAST">run the newest of them</option>
          <option value="CATCH_UP_SKIP">run none of them</option>
          <option value="CATCH_UP_ALL">run them all, the newest 100</option>
        </select>
      </label>
      <label>
        While an earlier execution of it runs
        <select value={overlap} onChange={(e) => setOverlap(e.currentTarget.value as Overlap)}>
          <option value="OVERLAP_ALLOW">start another one</option>
          <option value="OVERLAP_SKIP">let the time pass</option>
        </select>
      </label>
      <Trouble text={error} />
      <button type="submit" class="primary">
        {old ? "Save" : "Create the schedule"}
      </button>
    </form>
  );
}

interface Timing {
  kind: "cron" | "interval";
  cron: string;
  every: string;
  zone: string;
}

function timingOf(old: Schedule | undefined): Timing {
  return {
    kind: old?.interval ? "interval" : "cron",
    cron: old ? (old.cron ?? "") : "0 6 * * mon-fri",
    every: typedDuration(old?.interval) || "1h",
    zone: old ? old.timeZone || "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

const sent = (t: Timing): Schedule => ({ timeZone: t.zone.trim(), ...(t.kind === "cron" ? { cron: t.cron.trim() } : { interval: durationOf(t.every) }) });

function TimingInput({ timing: t, set }: { timing: Timing; set: (part: Partial<Timing>) => void }) {
  const id = useId();
  const kind = (value: Timing["kind"], title: string) => (
    <label class="inline">
      <input type="radio" name="kind" checked={t.kind === value} onChange={() => set({ kind: value })} />
      {title}
    </label>
  );
  return (
    <fieldset>
      <legend>When</legend>
      <div class="bar">
        {kind("cron", "At certain times")}
        {kind("interval", "Once an interval")}
      </div>
      {t.kind === "cron" ? (
        <div class="field">
          <label for={`${id}-cron`}>Cron expression</label>
          <input id={`${id}-cron`} class="mono" value={t.cron} aria-describedby={`${id}-help`} onInput={(e) => set({ cron: e.currentTarget.value })} />
          <p class="soft small" id={`${id}-help`}>
            Minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly.
          </p>
        </div>
      ) : (
        <label>
          Interval
          <input value={t.every} placeholder="such as 15m, 6h or 1d" onInput={(e) => set({ every: e.currentTarget.value })} />
        </label>
      )}
      <label>
        Time zone
        <input value={t.zone} list={`${id}-zones`} placeholder="such as Europe/Berlin" onInput={(e) => set({ zone: e.currentTarget.value })} />
      </label>
      <datalist id={`${id}-zones`}>
        {["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </fieldset>
  );
}

// As docs/schedules.md has them.
const placeholders = [
  "scheduled_time",
  "scheduled_date",
  "previous_date",
  "scheduled_year",
  "scheduled_month",
  "scheduled_day",
  "scheduled_hour",
  "scheduled_weekday",
  "scheduled_unix",
  "schedule_id",
  "schedule_name",
];

function Placeholders() {
  return (
    <details class="small">
      <summary>What an input may say of the time</summary>
      <p>
        Text may hold these, with the time at which the execution was due:{" "}
        {placeholders.map((name) => (
          <>
            <code>{`{{ ${name} }}`}</code>{" "}
          </>
        ))}
      </p>
    </details>
  );
}

// EditSchedule is the page to change a schedule, also to another notebook.
export function EditSchedule({ id, notebook: other }: { id: string; notebook: string }) {
  const loaded = useLoad(async () => {
    const schedule = await api.schedule(id);
    const notebook = other || (schedule.notebook ?? "");
    const project = schedule.projectId ?? "";
    const notebooks = await notebooksOf(project);
    // One that is gone can still be exchanged.
    const parameters = notebooks.includes(notebook) ? await parametersIn(project, notebook) : [];
    return { schedule, notebook, project, notebooks, parameters };
  }, [id, other]);
  if (!loaded.value) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  const { schedule, notebook, project, notebooks, parameters } = loaded.value;
  return (
    <>
      <p class="crumbs">
        <a href={to("schedules", id)}>{schedule.name}</a>
      </p>
      <h1>Change the schedule</h1>
      <Trouble text={loaded.error} />
      <label class="inline">
        Notebook
        <select value={notebook} onChange={(e) => go(`${to("schedules", id, "edit")}?notebook=${encodeURIComponent(e.currentTarget.value)}`)}>
          {!notebooks.includes(notebook) && <option value={notebook}>{notebook} (gone)</option>}
          {notebooks.map((path) => (
            <option key={path}>{path}</option>
          ))}
        </select>
      </label>
      <ScheduleForm key={notebook} project={project} notebook={notebook} parameters={parameters} before={schedule} schedule={schedule} />
    </>
  );
}
