import { useEffect, useState } from "preact/hooks";
import type { Execution } from "./api";
import { ended, seconds } from "./format";
import type { Step } from "./live";

interface Row {
  name: string;
  seconds: number;
  status: string;
  cell?: number;
}

// TimeLine says where the time went: each phase before the first cell, then
// each cell, with a bar as long as its share of the longest.
export function TimeLine({ execution: e, steps, reveal }: { execution: Execution; steps: Step[]; reveal: (cell: number) => void }) {
  const now = useNow(!ended(e.state));
  const d = e.durations ?? {};
  const rows: Row[] = [
    { name: "queued", seconds: (d.queuedMs ?? 0) / 1000, status: "ok" },
    { name: "environment", seconds: (d.environmentMs ?? 0) / 1000, status: "ok" },
    { name: "kernel start", seconds: (d.kernelStartMs ?? 0) / 1000, status: "ok" },
    ...steps.map((s) => ({
      name: s.title,
      seconds: s.status === "running" ? Math.max(0, (now - s.since) / 1000) : s.seconds,
      status: s.status,
      cell: s.cell,
    })),
  ];
  const most = Math.max(...rows.map((r) => r.seconds), 0.001);
  return (
    <section aria-label="Time line">
      <h2>Time line</h2>
      <ol class="time-line" tabIndex={0}>
        {rows.map((row) => (
          <li key={row.cell ?? row.name} data-status={row.status}>
            <Name row={row} reveal={reveal} />
            <meter min={0} max={most} value={row.seconds} aria-label={`time of ${row.name}`}>
              {seconds(row.seconds)}
            </meter>
            <span class="number">{row.seconds || row.status === "ok" ? seconds(row.seconds) : row.status}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Name({ row, reveal }: { row: Row; reveal: (cell: number) => void }) {
  if (row.cell === undefined) return <span class="soft">{row.name}</span>;
  const cell = row.cell;
  const mark = row.status === "error" || row.status === "lost" ? "✗ " : row.status === "running" ? "▶ " : "";
  return (
    <button type="button" class="link" onClick={() => reveal(cell)} title={row.name}>
      {mark}
      {row.name}
    </button>
  );
}

// useNow ticks while something is running.
function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
