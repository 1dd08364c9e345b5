import { useState } from "preact/hooks";
import type { Schedule } from "./api";
import { readInputs } from "./inputs";
import type { Free, Way } from "./inputs";
import { written } from "./parameters";
import type { Parameter } from "./parameters";
import { SpecInput } from "./spec";

type Variables = NonNullable<Schedule["inputVariables"]>;

// Work is what executions, schedules and sweeps have in common.
export type Work = Pick<Schedule, "inputVariables" | "outputVariableNames" | "spec" | "priority">;

// Asked is what a form asks for. Lists are the variables of several values: none
// but in a sweep.
export interface Asked extends Work {
  lists: Variables;
}

// useWork is the part of a form that says what runs. With before it begins as
// that was. Its read returns nothing if something is wrong, and shows what.
export function useWork(way: Way, parameters: Parameter[], before: Work | undefined) {
  const inputs = (before?.inputVariables ?? {}) as Record<string, unknown>;
  const names = new Set(parameters.map((p) => p.name));
  const [typed, setTyped] = useState<Record<string, string>>(() =>
    Object.fromEntries(parameters.map((p) => [p.name, written(p.type, p.name in inputs ? inputs[p.name] : p.value)])),
  );
  const [others, setOthers] = useState<Free[]>(() =>
    Object.entries(inputs)
      .filter(([name]) => !names.has(name))
      .map(([name, value]) => ({ name, value: written("free", value) })),
  );
  const [outputs, setOutputs] = useState((before?.outputVariableNames ?? []).join(", "));
  const [spec, setSpec] = useState(before?.spec ?? "");
  const [priority, setPriority] = useState(before?.priority ? String(before.priority) : "");
  const [errors, setErrors] = useState<Record<string, string>>({});

  const current = readInputs(way, parameters, typed, inputs, others);
  const read = (): Asked | undefined => {
    setErrors(current.wrong);
    if (Object.keys(current.wrong).length > 0) return undefined;
    const all = Object.entries(current.values);
    return {
      inputVariables: Object.fromEntries(all.filter(([, values]) => values.length === 1).map(([name, [value]]) => [name, value])) as Variables,
      lists: Object.fromEntries(all.filter(([, values]) => values.length > 1)) as Variables,
      outputVariableNames: outputs.split(/[\s,]+/).filter(Boolean),
      spec,
      priority: Number(priority) || 0,
    };
  };
  const fields = (
    <>
      <fieldset>
        <legend>Parameters</legend>
        {parameters.length === 0 && <p class="soft">No cell of this notebook is tagged “parameters”.</p>}
        {parameters.map((p) => (
          <ParameterInput
            key={p.name}
            way={way}
            parameter={p}
            value={typed[p.name] ?? ""}
            error={errors[p.name]}
            set={(v) => setTyped((b) => ({ ...b, [p.name]: v }))}
          />
        ))}
      </fieldset>
      <fieldset>
        <legend>Further input variables</legend>
        {others.map((o, i) => (
          <FreeInput
            key={i}
            way={way}
            variable={o}
            error={errors[`free ${i}`]}
            set={(next) => setOthers((b) => b.flatMap((x, j) => (j === i ? (next ? [next] : []) : [x])))}
          />
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
    </>
  );
  return { fields, read, combinations: Object.values(current.values).reduce((n, values) => n * values.length, 1) };
}

function ParameterInput(props: { way: Way; parameter: Parameter; value: string; error: string | undefined; set: (value: string) => void }) {
  const { way, parameter: p, value, set, error } = props;
  const id = `parameter-${p.name}`;
  const common = { id, name: p.name, "aria-describedby": `${id}-help`, "aria-invalid": Boolean(error) };
  const isLong = way === "sweep" || p.type === "json" || value.includes("\n");
  return (
    <div class="field">
      <label for={id}>
        <code>{p.name}</code> <span class="soft">{p.type}</span>
      </label>
      {p.type === "bool" && way !== "sweep" ? (
        <select {...common} value={value} onChange={(e) => set(e.currentTarget.value)}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : isLong ? (
        <textarea {...common} rows={way === "sweep" ? lines(value) : 3} value={value} placeholder={p.default} onInput={(e) => set(e.currentTarget.value)} />
      ) : (
        <input {...common} value={value} inputMode={p.type === "string" || way === "schedule" ? "text" : "decimal"} onInput={(e) => set(e.currentTarget.value)} />
      )}
      <p class="soft small" id={`${id}-help`}>
        {error ? <span class="bad">{`${p.name} ${error}`}</span> : `default ${p.default}${p.help ? ` — ${p.help}` : ""}`}
      </p>
    </div>
  );
}

function FreeInput(props: { way: Way; variable: Free; error: string | undefined; set: (next: Free | undefined) => void }) {
  const { way, variable: v, set, error } = props;
  return (
    <>
      <div class="bar">
        <label class="inline">
          Name
          <input value={v.name} onInput={(e) => set({ ...v, name: e.currentTarget.value })} />
        </label>
        <label class="inline grow">
          {way === "sweep" ? "Values, JSON or text" : "Value, JSON or text"}
          {way === "sweep" ? (
            <textarea rows={lines(v.value)} value={v.value} onInput={(e) => set({ ...v, value: e.currentTarget.value })} />
          ) : (
            <input value={v.value} onInput={(e) => set({ ...v, value: e.currentTarget.value })} />
          )}
        </label>
        <button type="button" onClick={() => set(undefined)} aria-label={`Remove ${v.name || "this variable"}`}>
          Remove
        </button>
      </div>
      {error && <p class="bad small">{error}</p>}
    </>
  );
}

// lines is how tall the list of a variable's values is drawn.
const lines = (text: string): number => Math.min(Math.max(text.split("\n").length + 1, 2), 12);
