import { useState } from "preact/hooks";
import { readNotebook } from "../notebook/notebook";
import { api } from "./api";
import type { Execution } from "./api";
import { Trouble, useLoad, Wait } from "./load";
import { free, parametersOf, read, written } from "./parameters";
import type { Parameter } from "./parameters";
import { go, to } from "./route";
import { SpecInput } from "./spec";

// Run is the form of a notebook's inputs. With from, it begins with those of an
// earlier execution.
export function Run({ project, notebook, from }: { project: string; notebook: string; from: string }) {
  const loaded = useLoad(async () => {
    const before = from ? await api.execution(from) : undefined;
    const parameters = parametersOf(readNotebook(await api.readFile(project, notebook)).cells);
    return { before, parameters };
  }, [project, notebook, from]);
  return (
    <>
      <p class="crumbs">
        <a href={to("projects", project, "files")}>Files</a>
      </p>
      <h1>
        Run <span class="path">{notebook}</span>
      </h1>
      <Trouble text={loaded.error} />
      {loaded.value ? <Form project={project} notebook={notebook} {...loaded.value} /> : !loaded.error && <Wait />}
    </>
  );
}

interface Free {
  name: string;
  value: string;
}

function Form(props: { project: string; notebook: string; before: Execution | undefined; parameters: Parameter[] }) {
  const { before, parameters } = props;
  const inputs = (before?.inputVariables ?? {}) as Record<string, unknown>;
  const names = new Set(parameters.map((p) => p.name));
  const [typed, setTyped] = useState<Record<string, string>>(() =>
    Object.fromEntries(parameters.map((p) => [p.name, p.name in inputs ? written(p.type, inputs[p.name]) : written(p.type, p.value)])),
  );
  const [others, setOthers] = useState<Free[]>(() =>
    Object.entries(inputs)
      .filter(([name]) => !names.has(name))
      .map(([name, value]) => ({ name, value: written("string", value) })),
  );
  const [outputs, setOutputs] = useState((before?.outputVariableNames ?? []).join(", "));
  const [spec, setSpec] = useState(before?.spec ?? "");
  const [priority, setPriority] = useState(before?.priority ? String(before.priority) : "");
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [error, setError] = useState("");

  const submit = async (event: Event) => {
    event.preventDefault();
    const { values, wrong } = inputValues(parameters, typed, inputs, others);
    setErrors(wrong);
    setError("");
    if (Object.keys(wrong).length > 0) return;
    try {
      const request = {
        notebookId: props.notebook,
        inputVariables: values,
        outputVariableNames: outputs.split(/[\s,]+/).filter(Boolean),
        ...(spec && { spec }),
      };
      go(to("executions", await api.execute(props.project, request, Number(priority) || 0)));
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit} noValidate>
      <fieldset>
        <legend>Parameters</legend>
        {parameters.length === 0 && <p class="soft">No cell of this notebook is tagged “parameters”.</p>}
        {parameters.map((p) => (
          <ParameterInput key={p.name} parameter={p} value={typed[p.name] ?? ""} error={errors[p.name]} set={(v) => setTyped((b) => ({ ...b, [p.name]: v }))} />
        ))}
      </fieldset>
      <fieldset>
        <legend>Further input variables</legend>
        {others.map((o, i) => (
          <FreeInput key={i} variable={o} error={errors[`free ${i}`]} set={(next) => setOthers((b) => b.flatMap((x, j) => (j === i ? (next ? [next] : []) : [x])))} />
        ))}
        <button type="button" onClick={() => setOthers((b) => [...b, { name: "", value: "" }])}>
          Add a variable
        </button>
      </fieldset>
      <fieldset>
        <legend>How it runs</legend>
        <label>
          Output variables
          <input name="outputs" value={outputs} placeholder="names, with commas between" onInput={(e) => setOutputs(e.currentTarget.value)} />
        </label>
        <label>
          Spec
          <SpecInput value={spec} set={setSpec} />
        </label>
        <label>
          Priority, -100 to 100
          <input name="priority" value={priority} inputMode="numeric" placeholder="0" onInput={(e) => setPriority(e.currentTarget.value)} />
        </label>
      </fieldset>
      <Trouble text={error} />
      <button type="submit" class="primary">
        Run
      </button>
    </form>
  );
}

// inputValues reads the form. A parameter that stands as the notebook has it is
// left to the notebook.
function inputValues(parameters: Parameter[], typed: Record<string, string>, before: Record<string, unknown>, others: Free[]) {
  const values: Record<string, unknown> = {};
  const wrong: Record<string, string> = {};
  for (const p of parameters) {
    const text = typed[p.name] ?? "";
    if (!(p.name in before) && text === written(p.type, p.value)) continue;
    try {
      values[p.name] = read(p.type, text);
    } catch (e) {
      wrong[p.name] = (e as Error).message;
    }
  }
  for (const [i, o] of others.entries()) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(o.name)) values[o.name] = free(o.value);
    else wrong[`free ${i}`] = "the name must be letters, digits and _";
  }
  return { values, wrong };
}

function ParameterInput(props: { parameter: Parameter; value: string; error: string | undefined; set: (value: string) => void }) {
  const { parameter: p, value, set, error } = props;
  const id = `parameter-${p.name}`;
  const common = { id, name: p.name, "aria-describedby": `${id}-help`, "aria-invalid": Boolean(error) };
  const isLong = p.type === "json" || value.includes("\n");
  return (
    <div class="field">
      <label for={id}>
        <code>{p.name}</code> <span class="soft">{p.type}</span>
      </label>
      {p.type === "bool" ? (
        <select {...common} value={value} onChange={(e) => set(e.currentTarget.value)}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : isLong ? (
        <textarea {...common} rows={3} value={value} placeholder={p.default} onInput={(e) => set(e.currentTarget.value)} />
      ) : (
        <input {...common} value={value} inputMode={p.type === "string" ? "text" : "decimal"} onInput={(e) => set(e.currentTarget.value)} />
      )}
      <p class="soft small" id={`${id}-help`}>
        {error ? <span class="bad">{`${p.name} ${error}`}</span> : `default ${p.default}${p.help ? ` — ${p.help}` : ""}`}
      </p>
    </div>
  );
}

function FreeInput(props: { variable: Free; error: string | undefined; set: (next: Free | undefined) => void }) {
  const { variable: v, set, error } = props;
  return (
    <>
      <div class="bar">
        <label class="inline">
          Name
          <input value={v.name} onInput={(e) => set({ ...v, name: e.currentTarget.value })} />
        </label>
        <label class="inline grow">
          Value, JSON or text
          <input value={v.value} onInput={(e) => set({ ...v, value: e.currentTarget.value })} />
        </label>
        <button type="button" onClick={() => set(undefined)} aria-label={`Remove ${v.name || "this variable"}`}>
          Remove
        </button>
      </div>
      {error && <p class="bad small">{error}</p>}
    </>
  );
}
