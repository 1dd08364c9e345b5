import { api } from "./api";
import type { Way } from "./inputs";
import { Trouble, useLoad, Wait } from "./load";
import { notebooksOf, parametersIn } from "./notebooks";
import type { Given } from "./notebooks";
import { to } from "./route";
import { RunForm } from "./run";
import { ScheduleForm } from "./schedule_form";
import { SweepForm } from "./sweep_form";

const ways = { run: "Once", schedule: "On a schedule", sweep: "For lists of values" } as const;

export const isWay = (what: string): what is Way => Object.hasOwn(ways, what);

// Start is the page to run a notebook from, in one of three ways. With from it
// begins with the inputs of an earlier execution.
export function Start({ way, project, notebook, from }: { way: Way; project: string; notebook: string; from: string }) {
  if (!notebook) return <Pick way={way} project={project} />;
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", project, "files")}>Files</a>
      </p>
      <h1>
        Run <span class="path">{notebook}</span>
      </h1>
      <nav class="tabs" aria-label="How often it runs">
        {Object.entries(ways).map(([name, title]) => (
          <a key={name} href={to("projects", project, name, notebook) + (from && `?from=${from}`)} aria-current={way === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <Begin way={way} project={project} notebook={notebook} from={from} />
    </>
  );
}

function Begin({ way, project, notebook, from }: { way: Way; project: string; notebook: string; from: string }) {
  const loaded = useLoad(
    async () => ({ parameters: await parametersIn(project, notebook), before: from ? await api.execution(from) : undefined }),
    [project, notebook, from],
  );
  if (!loaded.value) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  const given: Given = { project, notebook, ...loaded.value };
  if (way === "schedule") return <ScheduleForm {...given} />;
  return way === "sweep" ? <SweepForm {...given} /> : <RunForm {...given} />;
}

function Pick({ way, project }: { way: Way; project: string }) {
  const list = useLoad(() => notebooksOf(project), [project]);
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", project)}>Project</a>
      </p>
      <h1>Run which notebook?</h1>
      <Trouble text={list.error} />
      {!list.value && !list.error && <Wait />}
      {list.value?.length === 0 && (
        <p>
          The project has none yet: <a href={to("projects", project, "files")}>upload one</a>.
        </p>
      )}
      <ul class="plain">
        {list.value?.map((path) => (
          <li key={path}>
            <a class="path" href={to("projects", project, way, path)}>
              {path}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
