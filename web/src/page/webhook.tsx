import { useState } from "preact/hooks";
import { api } from "./api";
import type { Delivery, Webhook } from "./api";
import { moment } from "./format";
import { Action, Trouble, useLoad, Wait } from "./load";
import { More, usePages } from "./pages";
import { go, to } from "./route";

const lookAgain = 5000; // milliseconds, while something is to be sent

export function WebhookPage({ id }: { id: string }) {
  const loaded = useLoad((signal) => api.webhook(id, signal), [id]);
  const list = usePages((token) => api.deliveries(id, token), [id], (first) => (first.some((d) => d.state === "PENDING") ? lookAgain : lookAgain * 3));
  const [error, setError] = useState("");
  const w = loaded.value;
  if (!w) return loaded.error ? <Trouble text={loaded.error} /> : <Wait />;
  const settings = to("projects", w.projectId ?? "", "settings");
  const remove = async () => {
    if (!confirm("Delete this webhook? What is on its way to it is dropped.")) return;
    await api.deleteWebhook(id);
    go(settings);
  };
  return (
    <>
      <p class="crumbs">
        <a href={settings}>Settings</a>
      </p>
      <div class="bar">
        <h1>
          Webhook to <span class="path">{w.url}</span>
        </h1>
        <span class="space" />
        <Action run={remove} kind="danger" failed={setError}>
          Delete
        </Action>
      </div>
      <Trouble text={error || list.error} />
      <Facts webhook={w} />
      <section aria-label="Deliveries">
        <h2>Deliveries</h2>
        {list.items ? <Table items={list.items} /> : !list.error && <Wait />}
        {list.more && <More load={list.more} />}
      </section>
    </>
  );
}

function Facts({ webhook: w }: { webhook: Webhook }) {
  const of: [string, string, string | undefined][] = [
    ["execution", "executions", w.executionId],
    ["schedule", "schedules", w.scheduleId],
    ["sweep", "sweeps", w.sweepId],
  ];
  return (
    <dl>
      <dt>events</dt>
      <dd>{w.events?.join(", ")}</dd>
      <dt>format</dt>
      <dd>{w.format}</dd>
      {of.map(
        ([name, page, id]) =>
          id && (
            <>
              <dt>only of {name}</dt>
              <dd>
                <a href={to(page, id)}>{id}</a>
              </dd>
            </>
          ),
      )}
      <dt>created</dt>
      <dd>{moment(w.createdAt)}</dd>
      <dt>by</dt>
      <dd>{w.createdBy}</dd>
      <dt>id</dt>
      <dd>{w.id}</dd>
    </dl>
  );
}

const marks: Record<string, string> = { PENDING: "running", DELIVERED: "succeeded", FAILED: "failed" };

function Table({ items }: { items: Delivery[] }) {
  if (items.length === 0) return <p class="soft">Nothing was sent in the last 30 days.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">State</th>
          <th scope="col">Tries</th>
          <th scope="col">Last answer</th>
          <th scope="col" class="wide">
            Next try
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((d) => (
          <tr key={d.id}>
            <td>
              <a href={to("executions", d.executionId ?? "")}>{d.event}</a>
              <div class="soft small">{moment(d.at)}</div>
            </td>
            <td>
              <span class={`state ${marks[d.state ?? ""] ?? ""}`}>{d.state}</span>
            </td>
            <td class="number">{d.tries}</td>
            <td class="value">{[d.status || "", d.message].filter(Boolean).join(": ")}</td>
            <td class="wide">{moment(d.next)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
