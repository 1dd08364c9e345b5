import { useEffect, useRef, useState } from "preact/hooks";
import type { Page } from "./api";
import { isRefused } from "./load";

const afterTrouble = 15_000; // milliseconds

// usePages holds those pages of a list that were asked for, and looks at the
// first one again after so many milliseconds as again returns; 0 is never.
export function usePages<T extends { id?: string }>(load: (token: string) => Promise<Page<T>>, deps: unknown[], again: (first: T[]) => number) {
  const [items, setItems] = useState<T[]>();
  const [next, setNext] = useState("");
  const [error, setError] = useState<string>();
  const loading = useRef(false);
  useEffect(() => {
    let gone = false;
    let timer = 0;
    setItems(undefined);
    const look = async (first: boolean) => {
      let wait = 0;
      try {
        const page = await load("");
        if (gone) return;
        setItems((before) => (first || !before ? page.items : merged(page.items, before)));
        if (first) setNext(page.next);
        setError(undefined);
        first = false;
        wait = again(page.items);
      } catch (e) {
        if (gone) return;
        setError((e as Error).message);
        if (!isRefused(e)) wait = afterTrouble;
      }
      if (wait > 0) timer = window.setTimeout(() => void look(first), wait);
    };
    void look(true);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, deps);
  const more = async () => {
    if (loading.current || !next) return;
    loading.current = true;
    try {
      const page = await load(next);
      setItems((before) => merged(before ?? [], page.items));
      setNext(page.next);
    } catch (e) {
      setError((e as Error).message);
    }
    loading.current = false;
  };
  return { items, error, more: next ? more : undefined };
}

// merged puts lists one after the other; of what is in both the first wins.
function merged<T extends { id?: string }>(first: T[], second: T[]): T[] {
  const known = new Set(first.map((item) => item.id));
  return [...first, ...second.filter((item) => !known.has(item.id))];
}

// More loads the next page when it is scrolled to, or clicked.
export function More({ load }: { load: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const observer = new IntersectionObserver((seen) => seen.some((s) => s.isIntersecting) && void latest.current(), { rootMargin: "600px" });
    if (button.current) observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button type="button" ref={button} onClick={() => void load()}>
      More
    </button>
  );
}
