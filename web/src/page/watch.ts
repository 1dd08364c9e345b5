import { call, Problem } from "./api";
import type { Event } from "../notebook/apply";

// Watcher is told of an execution's events, several at a time where they are
// there at once. The number is that of the last one.
export interface Watcher {
  events(events: Event[]): void;
  connected(yes: boolean): void;
}

const retryAfter = 1000; // milliseconds; doubled up to retryMost
const retryMost = 15_000;

// watch follows an execution until it has ended or signal aborts. It comes back
// after each loss of the connection, from the event after the last one seen. Where kinds are
// named it is told of those alone, and of the end.
export async function watch(id: string, watcher: Watcher, signal: AbortSignal, kinds: string[] = []): Promise<void> {
  const query = kinds.length > 0 ? `?${new URLSearchParams(kinds.map((kind) => ["kinds", kind]))}` : "";
  let last = "";
  let ended = false;
  for (let wait = retryAfter; !ended && !signal.aborted; ) {
    try {
      const response = await call(`/quire/v1/executions/${id}/events${query}`, { signal, headers: last ? { "Last-Event-ID": last } : {} });
      if (response.status === 204 || !response.body) return;
      watcher.connected(true);
      wait = retryAfter;
      for await (const batch of messages(response.body)) {
        last = batch.at(-1)?.id || last;
        const events = batch.filter((m) => m.event === "").map((m) => JSON.parse(m.data) as Event);
        if (events.length > 0) watcher.events(events);
        ended ||= events.some((e) => e.finished && !e.finished.retry);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status >= 400 && error.status < 500) throw error;
    }
    if (ended || signal.aborted) return;
    watcher.connected(false);
    await pause(wait, signal);
    wait = Math.min(wait * 2, retryMost);
  }
}

interface Message {
  id: string;
  event: string;
  data: string;
}

// messages reads server-sent events, as many at a time as have come.
async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message[]> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let parts: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
    if (!value.includes("\n\n") && !(parts.length > 1 && value.startsWith("\n"))) continue;
    const text = parts.join("");
    const end = text.lastIndexOf("\n\n");
    if (end < 0) continue;
    parts = [text.slice(end + 2)];
    const batch = text.slice(0, end).split("\n\n").map(message).filter((m) => m.data !== "");
    if (batch.length > 0) yield batch;
  }
}

function message(block: string): Message {
  const m: Message = { id: "", event: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (name === "id" || name === "event" || name === "data") m[name] += line.slice(colon + 1).replace(/^ /, "");
  }
  return m;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
