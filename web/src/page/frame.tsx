import { useEffect, useRef } from "preact/hooks";
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
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    sheet.attach(element);
    const heard = (message: MessageEvent<FromFrame>) => {
      if (message.source !== element.contentWindow) return;
      if (message.data?.type === "ready") sheet.heard();
      else if (message.data?.type === "link") follow(message.data.url);
    };
    addEventListener("message", heard);
    element.src = "/frame.html";
    return () => removeEventListener("message", heard);
  }, [sheet]);
  useEffect(() => sheet.dark(dark), [dark, sheet]);
  return <iframe ref={frame} class="sheet" title={title} sandbox="allow-scripts" referrerpolicy="no-referrer" />;
}

let asking = false;

// follow opens a notebook's link, if the user has just clicked, and wants to go
// where it leads.
function follow(url: unknown): void {
  if (typeof url !== "string" || asking || !navigator.userActivation.isActive || !/^https?:\/\//i.test(url) || url.length > 2000) return;
  asking = true;
  if (confirm(`The notebook links to\n\n${url}\n\nOpen it in a new tab?`)) open(url, "_blank", "noopener,noreferrer");
  asking = false;
}
