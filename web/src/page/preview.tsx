import { useMemo } from "preact/hooks";
import { api } from "./api";
import { SheetFrame, Sheet } from "./frame";
import { Trouble, useLoad } from "./load";
import { to } from "./route";

export function Preview({ project, path }: { project: string; path: string }) {
  const sheet = useMemo(() => new Sheet(), [project, path]);
  const file = useLoad(async () => {
    sheet.show(await api.readFile(project, path));
  }, [project, path]);
  return (
    <div class="fill">
      <p class="crumbs">
        <a href={to("projects", project, "files")}>Files</a>
      </p>
      <div class="bar">
        <h1 class="path">{path}</h1>
        <span class="space" />
        <a class="button primary" href={to("projects", project, "run", path)}>
          Run
        </a>
        <a class="button" href={api.fileURL(project, path)} download>
          Download
        </a>
      </div>
      <Trouble text={file.error} />
      <SheetFrame sheet={sheet} title={`Notebook ${path}`} />
    </div>
  );
}
