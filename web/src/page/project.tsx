import { api } from "./api";
import { Executions } from "./executions";
import { Files } from "./files";
import { Trouble, useLoad, Wait } from "./load";
import { to } from "./route";
import { Settings } from "./settings";

const tabs = { executions: "Executions", files: "Files", settings: "Settings" } as const;

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
      {tab === "files" ? <Files project={id} /> : tab === "settings" ? <Settings project={project.value} changed={project.reload} /> : <Executions project={id} />}
    </>
  );
}
