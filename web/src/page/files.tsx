import { useState } from "preact/hooks";
import { api } from "./api";
import type { File as ProjectFile } from "./api";
import { bytes, moment } from "./format";
import { Action, Trouble, useLoad, Wait } from "./load";
import { to } from "./route";

export function Files({ project }: { project: string }) {
  const list = useLoad(() => allFiles(project), [project]);
  const [error, setError] = useState("");
  const [said, setSaid] = useState("");
  const upload = async (files: Iterable<globalThis.File>) => {
    setError("");
    try {
      let n = 0;
      for (const file of files) {
        setSaid(`Uploading ${file.name}…`);
        await api.putFile(project, file.webkitRelativePath || file.name, file);
        n++;
      }
      setSaid(`${n} uploaded.`);
    } catch (e) {
      setSaid("");
      setError((e as Error).message);
    }
    list.reload();
  };
  return (
    <section aria-label="Files">
      <Drop upload={upload} />
      <p role="status" class="soft">
        {said}
      </p>
      <Trouble text={error || list.error} />
      {list.value ? <Table project={project} files={list.value} failed={setError} changed={list.reload} /> : !list.error && <Wait />}
    </section>
  );
}

const most = 10_000;

// allFiles lists a project's files, up to a number that a page can show.
export async function allFiles(project: string): Promise<ProjectFile[]> {
  const all: ProjectFile[] = [];
  for (let token = ""; ; ) {
    const page = await api.files(project, token);
    all.push(...page.items);
    if (!page.next || all.length >= most) return all;
    token = page.next;
  }
}

function Drop({ upload }: { upload: (files: Iterable<globalThis.File>) => Promise<void> }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void upload([...(event.dataTransfer?.files ?? [])]);
  };
  return (
    <label
      class={`drop ${over ? "over" : ""}`}
      onDragOver={(e) => (e.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      Drop files here, or choose them:
      <input
        type="file"
        multiple
        onChange={(e) => {
          const input = e.currentTarget;
          void upload([...(input.files ?? [])]).then(() => (input.value = ""));
        }}
      />
    </label>
  );
}

function Table(props: { project: string; files: ProjectFile[]; failed: (text: string) => void; changed: () => void }) {
  const { project, files } = props;
  if (files.length === 0) return <p class="soft">No files yet.</p>;
  const remove = async (path: string) => {
    if (!confirm(`Delete ${path}?`)) return;
    await api.deleteFile(project, path);
    props.changed();
  };
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col">Size</th>
          <th scope="col" class="wide">Changed</th>
          <th scope="col">
            <span class="unseen">What to do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {files.map((f) => {
          const path = f.path ?? "";
          const notebook = path.endsWith(".ipynb");
          return (
            <tr key={path}>
              <td class="path">{notebook ? <a href={to("projects", project, "view", path)}>{path}</a> : path}</td>
              <td class="number">{bytes(Number(f.size))}</td>
              <td class="wide">{moment(f.modifiedAt)}</td>
              <td class="actions">
                {notebook && (
                  <a class="button primary" href={to("projects", project, "run", path)} aria-label={`Run ${path}`}>
                    Run
                  </a>
                )}
                <a class="button" href={api.fileURL(project, path)} download aria-label={`Download ${path}`}>
                  Download
                </a>
                <Action run={() => remove(path)} failed={props.failed} label={`Delete ${path}`}>
                  Delete
                </Action>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
