// The frame that notebooks are shown in. It has an origin of its own, no
// network and no cookie: what a notebook's scripts do, they do to this frame.
import "@jupyterlab/rendermime/style/base.css";
import "./frame.css";
import { apply, noChanges } from "../notebook/apply";
import type { FromFrame, ToFrame } from "../notebook/messages";
import { readNotebook } from "../notebook/notebook";
import type { Notebook } from "../notebook/notebook";
import { Sheet } from "./sheet";
import { setWidgets, updateWidgets } from "./widgets";

const root = document.getElementById("cells") as HTMLElement;
let notebook: Notebook = { language: "", cells: [], widgets: {} };
let sheet: Sheet | undefined;

function tell(message: FromFrame): void {
  parent.postMessage(message, "*"); // holds nothing that another could not know
}

addEventListener("message", (message: MessageEvent<ToFrame>) => {
  if (message.source !== parent) return;
  const told = message.data;
  switch (told.type) {
    case "show":
      show(told.notebook, told.only);
      setDark(told.dark);
      break;
    case "events": {
      const changes = noChanges();
      for (const event of told.events) apply(notebook, event, changes);
      if (changes.all) {
        setWidgets(notebook.widgets);
        sheet?.redraw();
      } else {
        sheet?.changed(changes.cells);
      }
      void updateWidgets(changes.widgets);
      break;
    }
    case "dark":
      setDark(told.dark);
      break;
    case "reveal":
      sheet?.reveal(told.cell);
      break;
  }
});

function show(raw: unknown, only: number[] | undefined): void {
  sheet?.close();
  try {
    notebook = readNotebook(raw);
  } catch (error) {
    root.textContent = error instanceof Error ? error.message : String(error);
    return;
  }
  setWidgets(notebook.widgets);
  sheet = new Sheet(root, notebook, only);
}

function setDark(dark: boolean): void {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.body.dataset.jpThemeLight = String(!dark);
}

// The sandbox opens no windows: the page asks its user whether to follow.
addEventListener("click", (click) => {
  const link = (click.target as Element | null)?.closest?.("a[href]");
  const href = link?.getAttribute("href") ?? "";
  if (!link || href.startsWith("#")) return;
  click.preventDefault();
  if (/^https?:\/\//i.test(href)) tell({ type: "link", url: href });
});

tell({ type: "ready" });
