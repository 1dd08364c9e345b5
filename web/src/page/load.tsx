import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Loaded<T> {
  value?: T;
  error?: string;
  reload(): void;
}

// useLoad asks for something when one of deps changes, or again.
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error?: string }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(
      (value) => stop.signal.aborted || setState({ value }),
      (error: Error) => stop.signal.aborted || setState((before) => ({ ...before, error: error.message })),
    );
    return () => stop.abort();
  }, [...deps, turn]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}

// Trouble says what went wrong, also to a screen reader.
export function Trouble({ text }: { text?: string | undefined }) {
  return (
    <div role="alert" class={text ? "trouble" : ""}>
      {text}
    </div>
  );
}

export function Wait() {
  return (
    <p class="soft" role="status">
      Loading…
    </p>
  );
}

// Action is a button that does something of which one can hear that it failed.
export function Action(props: { run: () => Promise<unknown>; children: ComponentChildren; kind?: string; failed: (text: string) => void; label?: string }) {
  const [busy, setBusy] = useState(false);
  const click = async () => {
    setBusy(true);
    props.failed("");
    try {
      await props.run();
    } catch (error) {
      props.failed((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <button type="button" class={props.kind ?? ""} disabled={busy} onClick={click} aria-label={props.label}>
      {props.children}
    </button>
  );
}
