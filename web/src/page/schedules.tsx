import { api } from "./api";
import type { Schedule } from "./api";
import { due, moment, typedDuration } from "./format";
import { Trouble, useLoad, Wait } from "./load";
import { to } from "./route";

const lookAgain = 15_000; // milliseconds

export function Schedules({ project }: { project: string }) {
  const list = useLoad(() => api.schedules(project), [project], () => lookAgain);
  return (
    <section aria-label="Schedules">
      <div class="bar">
        <span class="space" />
        <a class="button" href={to("projects", project, "schedule")}>
          New schedule
        </a>
      </div>
      <Trouble text={list.error} />
      {list.value ? <Table items={list.value} /> : !list.error && <Wait />}
    </section>
  );
}

function Table({ items }: { items: Schedule[] }) {
  if (items.length === 0) return <p class="soft">None yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">When</th>
          <th scope="col">Next</th>
          <th scope="col" class="wide">
            Last
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((s) => (
          <tr key={s.id}>
            <td>
              <a href={to("schedules", s.id ?? "")}>{s.name}</a>
              <div class="soft small path">{s.notebook}</div>
            </td>
            <td class="inputs">{timing(s)}</td>
            <td>{s.paused ? <PausedMark /> : s.next?.[0] ? due(s.next[0], s.timeZone ?? "") : "never"}</td>
            <td class="wide">
              <Last schedule={s} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export const PausedMark = () => <span class="state">PAUSED</span>;

// timing says when a schedule is due.
export function timing(s: Schedule) {
  if (s.interval) return `every ${typedDuration(s.interval)}`;
  return (
    <>
      <code>{s.cron}</code> <span class="soft">{s.timeZone || "UTC"}</span>
    </>
  );
}

// Last says what came of the last due time.
export function Last({ schedule: s }: { schedule: Schedule }) {
  if (!s.last) return <span class="soft">not yet</span>;
  const at = moment(s.last.scheduledTime);
  switch (s.last.outcome) {
    case "STARTED":
      return <a href={to("executions", s.last.executionId ?? "")}>{at}</a>;
    case "SKIPPED":
      return <>{at}: skipped, an earlier one ran</>;
    default:
      return (
        <span class="bad">
          {at}: {s.last.message}
        </span>
      );
  }
}
