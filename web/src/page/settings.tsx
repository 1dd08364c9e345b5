import { useState } from "preact/hooks";
import { api } from "./api";
import type { Project } from "./api";
import { durationOf } from "./format";
import { Action, Trouble, useLoad, Wait } from "./load";
import { go } from "./route";
import { SpecInput } from "./spec";
import { Webhooks } from "./webhooks";

// Fields of policy and run settings: what is empty is the server's default.
const policyFields = [
  ["maxRunning", "Executions at a time", "number"],
  ["maxQueued", "Executions that wait", "number"],
  ["priority", "Priority, -100 to 100", "number"],
  ["maxAttempts", "Attempts of an execution that Quire loses", "number"],
  ["keepFor", "Keep executions for", "duration"],
  ["keepLast", "Keep so many executions", "number"],
  ["noLearning", "Learn nothing from what its notebooks import", "flag"],
] as const;

const runFields = [
  ["cellTimeout", "Time limit of a cell", "duration"],
  ["runTimeout", "Time limit of a run", "duration"],
  ["interruptGrace", "From interrupt to kill", "duration"],
  ["maxCellOutput", "Output kept of a cell, bytes", "number"],
  ["maxOutput", "Output kept of a notebook, bytes", "number"],
  ["maxVariableBytes", "Output variable, bytes", "number"],
  ["maxVariableRows", "Output variable, rows", "number"],
] as const;

type Fields = Record<string, string>;

export function Settings({ project, changed }: { project: Project; changed: () => void }) {
  const loaded = useLoad(
    async () => ({
      policy: await api.policy(project.id),
      run: await api.runSettings(project.id),
      balance: (await api.unitBalance(project.id)).unitBalance,
    }),
    [project.id],
  );
  if (!loaded.value) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  const { policy, run, balance } = loaded.value;
  return (
    <section aria-label="Settings" class="settings">
      <Form
        title="Project"
        fields={{
          name: project.name,
          description: project.description ?? "",
          spec: project.settings?.defaultDedicatedSpec ?? "",
          perHour: unset(project.limits?.maxUnitsPerHour),
          perExecution: unset(project.limits?.maxUnitsPerExecution),
          balance: balance ?? "",
        }}
        labels={[
          ["name", "Name", "text"],
          ["description", "Description", "text"],
          ["spec", "Spec of notebooks that ask for none", "spec"],
          ["balance", "Units left; empty for no limit", "number"],
          ["perHour", "Most units for an hour", "number"],
          ["perExecution", "Most units for an execution", "number"],
        ]}
        save={(f) => saveProject(project, f, balance ?? "").then(changed)}
      />
      <Form title="Policy" fields={shown(policy)} labels={policyFields} save={(f) => api.setPolicy(project.id, values(f))} />
      <Form title="Running notebooks" fields={shown(run)} labels={runFields} save={(f) => api.setRunSettings(project.id, values(f))} />
      <Webhooks project={project.id} />
      <Remove project={project} />
    </section>
  );
}

const unset = (value: string | undefined): string => (!value || value === "0" ? "" : value);

async function saveProject(project: Project, f: Fields, balance: string): Promise<void> {
  await api.updateProject(project.id, "name,description,settings.defaultDedicatedSpec,limits.maxUnitsPerHour,limits.maxUnitsPerExecution", {
    name: f.name,
    description: f.description,
    settings: { defaultDedicatedSpec: f.spec },
    limits: { ...(f.perHour && { maxUnitsPerHour: f.perHour }), ...(f.perExecution && { maxUnitsPerExecution: f.perExecution }) },
  });
  if (f.balance !== balance) await api.setUnitBalance(project.id, f.balance || null);
}

function shown(message: object): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(message)) {
    const text = String(value ?? "");
    fields[name] = ["0", "false"].includes(text) ? "" : text;
  }
  return fields;
}

// values sends numbers as text, which proto JSON reads, and durations with
// their unit. A flag that is set is "true".
function values(fields: Fields): object {
  const message: Record<string, string | boolean> = {};
  for (const [name, typed] of Object.entries(fields)) {
    const text = typed.trim();
    if (text === "") continue;
    message[name] = text === "true" || (/Timeout|Grace|keepFor/.test(name) ? durationOf(typed) : text);
  }
  return message;
}

type Label = readonly [name: string, title: string, kind: string];

function Form(props: { title: string; fields: Fields; labels: readonly Label[]; save: (f: Fields) => Promise<unknown> }) {
  const [fields, setFields] = useState(props.fields);
  const [error, setError] = useState("");
  const [said, setSaid] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    setSaid("");
    try {
      await props.save(fields);
      setSaid("Saved.");
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit}>
      <h2>{props.title}</h2>
      {props.labels.map(([name, title, kind]) => {
        const set = (value: string) => setFields((before) => ({ ...before, [name]: value }));
        if (kind === "flag")
          return (
            <label key={name} class="inline">
              <input type="checkbox" checked={fields[name] === "true"} onChange={(e) => set(e.currentTarget.checked ? "true" : "")} />
              {title}
            </label>
          );
        return (
          <label key={name}>
            {title}
            {kind === "spec" ? (
              <SpecInput value={fields[name] ?? ""} set={set} />
            ) : (
              <input
                name={name}
                value={fields[name] ?? ""}
                inputMode={kind === "number" ? "numeric" : "text"}
                placeholder={kind === "duration" ? "such as 10m" : ""}
                onInput={(e) => set(e.currentTarget.value)}
              />
            )}
          </label>
        );
      })}
      <Trouble text={error} />
      <div class="bar">
        <button type="submit" class="primary">
          Save
        </button>
        <span role="status" class="soft">
          {said}
        </span>
      </div>
    </form>
  );
}

function Remove({ project }: { project: Project }) {
  const [error, setError] = useState("");
  const remove = async () => {
    if (prompt(`This deletes the files and executions too. To go on, type the name: ${project.name}`) !== project.name) return;
    await api.deleteProject(project.id);
    go("#/");
  };
  return (
    <div class="card">
      <h2>Delete</h2>
      <Trouble text={error} />
      <Action run={remove} kind="danger" failed={setError}>
        Delete this project
      </Action>
    </div>
  );
}
