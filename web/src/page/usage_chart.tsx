import type { Execution } from "./api";
import { bytes, ended, seconds } from "./format";
import type { Step } from "./live";
import { area, figures, line, range, scale, slices, steps as stepped, stretches } from "./usage";
import type { Scale, Span, Use } from "./usage";
import "./usage.css";

const width = 300;
const height = 48;
const rows = 12; // of the table

// UsageChart draws how many processors and how much memory the execution's
// processes use, over the cells that ran meanwhile.
export function UsageChart({ execution: e, use, steps }: { execution: Execution; use: Use; steps: Step[] }) {
  if (use.samples.length === 0) return null;
  const running = !ended(e.state);
  const f = figures(use.samples);
  const [cpus, memory] = [e.bounds?.cpus, Number(e.bounds?.memoryBytes ?? 0)];
  const cpuText = `${running ? `${f.cpus.toFixed(2)} now` : `${f.average.toFixed(2)} on average`}, at most ${f.mostCPUs.toFixed(2)}${cpus ? ` of ${cpus}` : ""}`;
  const memoryText = `${running ? `${bytes(f.memory)} now, ` : ""}at most ${bytes(f.mostMemory)}${memory ? ` of ${bytes(memory)}` : ""}`;
  const time = range(use);
  const found = stretches(use.samples);
  const cpuScale = scale(time, Math.max(1, f.mostCPUs), width, height);
  const memoryScale = scale(time, f.mostMemory, width, height);
  return (
    <section aria-label="CPU and memory" class="usage">
      <h2>CPU and memory</h2>
      <Graph name="Processors in use" kind="cpu" text={cpuText} path={stepped(found, cpuScale)} from={found[0]?.from} to={found.at(-1)?.to} scale={cpuScale} />
      <Graph name="Memory" kind="memory" text={memoryText} path={line(use.samples, memoryScale)} from={use.samples[0]?.at} to={use.samples.at(-1)?.at} scale={memoryScale} />
      <Cells spans={use.spans} steps={steps} time={time} />
      <p class="ends soft">
        <span>0</span>
        <span>{seconds((time[1] - time[0]) / 1000)}</span>
      </p>
      <AsTable use={use} steps={steps} />
    </section>
  );
}

interface GraphProps {
  name: string;
  kind: string;
  text: string;
  path: string;
  from: number | undefined;
  to: number | undefined;
  scale: Scale;
}

function Graph({ name, kind, text, path, from = 0, to = 0, scale: s }: GraphProps) {
  return (
    <figure data-kind={kind}>
      <figcaption>
        {name}: <span class="number">{text}</span>
      </figcaption>
      <svg role="img" aria-label={`${name} over time: ${text}`} viewBox={`0 -1 ${width} ${height + 2}`} preserveAspectRatio="none">
        <path class="area" d={area(path, from, to, s)} />
        <path class="line" d={path} vector-effect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}

// Cells are drawn on the same axis, for those who see it: the time line above
// says the same in words.
function Cells({ spans, steps, time }: { spans: Span[]; steps: Step[]; time: [number, number] }) {
  const s = scale(time, 1, width, 1);
  return (
    <svg class="cells" aria-hidden="true" viewBox={`0 0 ${width} 8`} preserveAspectRatio="none">
      {spans.map((span) => (
        <rect key={span.cell} data-status={span.status} x={s.x(span.from)} y={0} height={8} width={Math.max(s.x(span.to || time[1]) - s.x(span.from) - 0.5, 0.5)}>
          <title>{titleOf(steps, span.cell)}</title>
        </rect>
      ))}
    </svg>
  );
}

function AsTable({ use, steps }: { use: Use; steps: Step[] }) {
  return (
    <details>
      <summary>As a table</summary>
      <table class="small">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Processors</th>
            <th scope="col">Memory</th>
            <th scope="col">Cells</th>
          </tr>
        </thead>
        <tbody>
          {slices(use, rows).map((slice) => (
            <tr key={slice.from}>
              <th scope="row">{seconds(slice.from / 1000)}</th>
              <td>{slice.cpus.toFixed(2)}</td>
              <td>{bytes(slice.memory)}</td>
              <td class="value">{cellsOf(slice.cells, steps)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

// cellsOf names the first cell, and says how many others there are.
function cellsOf(cells: number[], steps: Step[]): string {
  const [first] = cells;
  if (first === undefined) return "";
  return titleOf(steps, first) + (cells.length > 1 ? ` and ${cells.length - 1} more` : "");
}

function titleOf(steps: Step[], cell: number): string {
  return steps.find((s) => s.cell === cell)?.title ?? `cell ${cell}`;
}
