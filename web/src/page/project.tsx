import { api } from "./api";
import type { Project } from "./api";
import { Executions } from "./executions";
import { Files } from "./files";
import { Trouble, useLoad, Wait } from "./load";
import { to } from "./route";
import { Schedules } from "./schedules";
import { Settings } from "./settings";
import { Sweeps } from "./sweeps";

const tabs = { executions: "Executions", files: "Files", schedules: "Schedules", sweeps: "Sweeps", settings: "Settings" } as const;

export function ProjectPage({ id, tab }: { id: string; tab: string }) {
  const project = useLoad(() => api.project(id), [id]);
  if (!project.value) return project.error ? <Trouble text={project.error} /> : <Wait />;
  return (
    <>
      <p class="crumbs">
        <a href="#/">Projects</a>
      </p>
      <h1>{project.value.name}</h1>
      <nav class="tabs" aria-label="Project">
        {Object.entries(tabs).map(([name, title]) => (
          <a key={name} href={to("projects", id, name)} aria-current={tab === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <Tab name={tab} project={project.value} changed={project.reload} />
    </>
  );
}

function Tab({ name, project, changed }: { name: string; project: Project; changed: () => void }) {
  switch (name) {
    case "files":
      return <Files project={project.id} />;
    case "schedules":
      return <Schedules project={project.id} />;
    case "sweeps":
      return <Sweeps project={project.id} />;
    case "settings":
      return <Settings project={project} changed={changed} />;
    default:
      return <Executions project={project.id} />;
  }
}
