import { useState } from "preact/hooks";
import { api } from "./api";
import type { Webhook } from "./api";
import { Action, Trouble, useLoad, Wait } from "./load";
import { to } from "./route";

type Event = NonNullable<Webhook["events"]>[number];
type Format = NonNullable<Webhook["format"]>;

const events: [Event, string][] = [
  ["START", "it starts"],
  ["SUCCESS", "it succeeds"],
  ["FAILURE", "it fails or is stopped"],
];

// Webhooks are those of a project, as a part of its settings.
export function Webhooks({ project }: { project: string }) {
  const list = useLoad(() => api.webhooks(project), [project]);
  const [error, setError] = useState("");
  const remove = async (w: Webhook) => {
    if (!confirm(`Delete the webhook to ${w.url}?`)) return;
    await api.deleteWebhook(w.id ?? "");
    list.reload();
  };
  return (
    <section class="card" aria-label="Webhooks">
      <h2>Webhooks</h2>
      <Trouble text={error || list.error} />
      {list.value ? <Table items={list.value} remove={remove} failed={setError} /> : !list.error && <Wait />}
      <Create project={project} created={list.reload} />
    </section>
  );
}

function Table({ items, remove, failed }: { items: Webhook[]; remove: (w: Webhook) => Promise<void>; failed: (text: string) => void }) {
  if (items.length === 0) return <p class="soft">None yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col" class="wide">
            Events
          </th>
          <th scope="col">
            <span class="unseen">What to do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((w) => (
          <tr key={w.id}>
            <td>
              <a class="path" href={to("webhooks", w.id ?? "")}>
                {w.url}
              </a>
            </td>
            <td class="wide small">{w.events?.join(", ")}</td>
            <td class="actions">
              <Action run={() => remove(w)} failed={failed} label={`Delete ${w.url}`}>
                Delete
              </Action>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Create({ project, created }: { project: string; created: () => void }) {
  const [url, setURL] = useState("");
  const [chosen, setChosen] = useState<Event[]>(["SUCCESS", "FAILURE"]);
  const [format, setFormat] = useState<Format>("JSON");
  const [secret, setSecret] = useState("");
  const [made, setMade] = useState<Webhook>();
  const [error, setError] = useState("");
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setError("");
    setMade(undefined);
    if (chosen.length === 0) {
      setError("Choose at least one event.");
      return;
    }
    try {
      setMade(await api.createWebhook(project, { url, events: chosen, format, secret }));
      setURL("");
      setSecret("");
      created();
    } catch (e) {
      setError((e as Error).message);
    }
  };
  const choose = (event: Event, yes: boolean) => setChosen((now) => (yes ? [...now, event] : now.filter((e) => e !== event)));
  return (
    <form onSubmit={submit} autocomplete="off">
      <label>
        Address
        <input type="url" required value={url} placeholder="https://…" onInput={(e) => setURL(e.currentTarget.value)} />
      </label>
      <fieldset>
        <legend>Tell it of an execution when</legend>
        {events.map(([event, title]) => (
          <label class="inline" key={event}>
            <input type="checkbox" checked={chosen.includes(event)} onChange={(e) => choose(event, e.currentTarget.checked)} />
            {title}
          </label>
        ))}
      </fieldset>
      <label>
        Format
        <select value={format} onChange={(e) => setFormat(e.currentTarget.value as Format)}>
          <option value="JSON">JSON</option>
          <option value="SLACK">Slack</option>
        </select>
      </label>
      <label>
        Secret that signs what is sent
        <input value={secret} placeholder="a new one" autocomplete="off" onInput={(e) => setSecret(e.currentTarget.value)} />
      </label>
      <Trouble text={error} />
      <button type="submit">Create the webhook</button>
      <p role="status">
        {made && (
          <>
            The secret, which is shown this once: <code class="path">{made.secret}</code>
          </>
        )}
      </p>
    </form>
  );
}
