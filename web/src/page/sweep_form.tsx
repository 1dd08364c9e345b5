import { useState } from "preact/hooks";
import { api } from "./api";
import { Trouble } from "./load";
import type { Given } from "./notebooks";
import { go, to } from "./route";
import { useWork } from "./work";

export function SweepForm({ project, notebook, parameters, before }: Given) {
  const work = useWork("sweep", parameters, before);
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    const asked = work.read();
    if (!asked) return;
    const { lists, ...shared } = asked;
    if (Object.keys(lists).length === 0) {
      setError("Give at least one variable several values, one a line.");
      return;
    }
    try {
      const sweep = await api.createSweep(project, { notebook, values: lists, ...shared });
      go(to("sweeps", sweep.id ?? ""));
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit} noValidate>
      <p>Write one value a line. The notebook runs once for each combination of them, 1,000 times at most.</p>
      {work.fields}
      <Trouble text={error} />
      <div class="bar">
        <button type="submit" class="primary">
          Start the sweep
        </button>
        <span role="status" class="soft">
          {work.combinations > 1 && `${work.combinations.toLocaleString()} executions`}
        </span>
      </div>
    </form>
  );
}
