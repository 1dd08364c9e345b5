import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "./api";

export interface Loaded<T> {
  value?: T;
  error?: string;
  reload(): void;
}

const afterTrouble = 5000; // milliseconds

// useLoad asks for something when one of deps changes, or when told to. With
// again it asks once more after so many milliseconds as that returns; 0 is never.
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[], again?: (value: T) => number): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error?: string }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      let wait = 0;
      try {
        const value = await load(stop.signal);
        if (stop.signal.aborted) return;
        setState({ value });
        wait = again?.(value) ?? 0;
      } catch (error) {
        if (stop.signal.aborted) return;
        setState((before) => ({ ...before, error: (error as Error).message }));
        if (again && !isRefused(error)) wait = afterTrouble;
      }
      if (wait > 0) timer = window.setTimeout(() => void look(), wait);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [...deps, turn]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}

// isRefused reports whether to ask again would be of no use.
export const isRefused = (error: unknown): boolean => error instanceof Problem && error.status >= 400 && error.status < 500;

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
