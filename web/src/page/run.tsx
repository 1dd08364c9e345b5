import { useState } from "preact/hooks";
import { api } from "./api";
import { Trouble } from "./load";
import type { Given } from "./notebooks";
import { go, to } from "./route";
import { useWork } from "./work";

export function RunForm({ project, notebook, parameters, before }: Given) {
  const work = useWork("run", parameters, before);
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    const asked = work.read();
    if (!asked) return;
    const { inputVariables, outputVariableNames, spec, priority } = asked;
    try {
      const request = { notebookId: notebook, inputVariables, outputVariableNames, ...(spec && { spec }) };
      go(to("executions", await api.execute(project, request, priority ?? 0)));
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit} noValidate>
      {work.fields}
      <Trouble text={error} />
      <button type="submit" class="primary">
        Run
      </button>
    </form>
  );
}
