import { useEffect, useRef, useState } from "preact/hooks";
import type { Event } from "../notebook/apply";
import type { FromFrame, ToFrame } from "../notebook/messages";
import { isDark, useDark } from "./theme";

// Sheet speaks to the frame that a notebook is shown in.
export class Sheet {
  private frame: HTMLIFrameElement | undefined;
  private ready = false;
  private waiting: ToFrame[] = [];

  show(notebook: unknown, only?: number[]): void {
    this.waiting = [];
    this.send({ type: "show", notebook, dark: isDark(), ...(only && { only }) });
  }

  events(events: Event[]): void {
    this.send({ type: "events", events });
  }

  reveal(cell: number): void {
    this.send({ type: "reveal", cell });
  }

  dark(dark: boolean): void {
    this.send({ type: "dark", dark });
  }

  attach(frame: HTMLIFrameElement): void {
    this.frame = frame;
  }

  // heard takes the one word that the frame must say before it can listen.
  heard(): void {
    if (this.ready) return;
    this.ready = true;
    for (const message of this.waiting.splice(0)) this.send(message);
  }

  private send(message: ToFrame): void {
    if (this.ready) this.frame?.contentWindow?.postMessage(message, "*"); // its origin has no name
    else this.waiting.push(message);
  }
}

export function SheetFrame({ sheet, title }: { sheet: Sheet; title: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const dark = useDark();
  const [link, setLink] = useState("");
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    sheet.attach(element);
    const heard = (message: MessageEvent<FromFrame>) => {
      if (message.source !== element.contentWindow) return;
      if (message.data?.type === "ready") sheet.heard();
      else if (message.data?.type === "link") setLink(webAddress(message.data.url));
    };
    addEventListener("message", heard);
    element.src = "/frame.html";
    return () => removeEventListener("message", heard);
  }, [sheet]);
  useEffect(() => sheet.dark(dark), [dark, sheet]);
  return (
    <div class="holder">
      {link && (
        <p class="bar link-bar" role="status">
          <span class="path">The notebook links to {link}</span>
          <a class="button" href={link} target="_blank" rel="noopener noreferrer" onClick={() => setLink("")}>
            Open in a new tab
          </a>
          <button type="button" onClick={() => setLink("")}>
            Stay here
          </button>
        </p>
      )}
      <iframe ref={frame} class="sheet" title={title} sandbox="allow-scripts" referrerpolicy="no-referrer" />
    </div>
  );
}

// webAddress returns what a notebook gave as a link if it is one that a browser
// may be sent to. The frame opens nothing itself: its user does, who sees where
// it leads.
function webAddress(given: unknown): string {
  return typeof given === "string" && given.length <= 2000 && /^https?:\/\//i.test(given) ? given : "";
}
