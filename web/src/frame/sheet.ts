// The sheet: cells in a column. A cell is drawn when it comes near the window,
// and only its place is kept when it is far away, so that a notebook of any
// length costs what is seen of it.
import type { Cell, Notebook, Output } from "../notebook/notebook";
import { render } from "./render";
import { source } from "./source";

const near = "1200px 0px";
const textLimit = 20_000; // characters of one text that are drawn at first

export class Sheet {
  private places: HTMLElement[] = [];
  private drawn = new Map<number, Drawn>();
  private observer: IntersectionObserver;
  private pending = new Set<number>();
  private frame = 0;

  constructor(
    root: HTMLElement,
    private notebook: Notebook,
    only: number[] | undefined,
  ) {
    this.observer = new IntersectionObserver((entries) => this.moved(entries), { root: document, rootMargin: near });
    root.replaceChildren();
    for (const [i, cell] of notebook.cells.entries()) {
      const place = document.createElement("section");
      place.className = `cell ${cell.type}`;
      place.dataset.cell = String(i);
      place.setAttribute("aria-label", cell.type === "code" ? `Code cell ${i + 1}` : `Text ${i + 1}`);
      place.style.minHeight = `${guess(cell)}px`;
      this.places.push(place);
      if (only && !only.includes(i)) continue;
      root.append(place);
      this.observer.observe(place);
    }
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  // changed draws cells anew, together in the next frame.
  changed(cells: Iterable<number>): void {
    for (const i of cells) this.pending.add(i);
    if (this.pending.size === 0 || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const i of this.pending) this.update(i);
      this.pending.clear();
    });
  }

  redraw(): void {
    this.changed(this.notebook.cells.keys());
  }

  reveal(i: number): void {
    const place = this.places[i];
    if (!place) return;
    this.draw(i);
    // Twice: cells between here and there may only now get their height.
    const scroll = () => scrollTo(0, scrollY + place.getBoundingClientRect().top - 8); // the page outside stays
    scroll();
    setTimeout(scroll, 150);
  }

  private moved(entries: IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const i = Number((entry.target as HTMLElement).dataset.cell);
      if (entry.isIntersecting) this.draw(i);
      else this.forget(i);
    }
  }

  private draw(i: number): void {
    const cell = this.notebook.cells[i];
    const place = this.places[i];
    if (!cell || !place || this.drawn.has(i)) return;
    const drawn = new Drawn(cell, this.notebook.language);
    this.drawn.set(i, drawn);
    place.replaceChildren(...drawn.nodes);
    this.mark(place, cell);
    place.style.minHeight = "";
  }

  // forget keeps a cell's place and gives back what it holds. What runs scripts
  // stays: it may have a state.
  private forget(i: number): void {
    const drawn = this.drawn.get(i);
    const place = this.places[i];
    if (!drawn || !place || drawn.alive) return;
    place.style.minHeight = `${place.offsetHeight}px`;
    place.replaceChildren();
    this.drawn.delete(i);
  }

  private update(i: number): void {
    const cell = this.notebook.cells[i];
    const place = this.places[i];
    const drawn = this.drawn.get(i);
    if (!cell || !place) return;
    drawn?.update(cell);
    this.mark(place, cell);
  }

  private mark(place: HTMLElement, cell: Cell): void {
    place.dataset.progress = cell.progress;
    place.dataset.status = cell.status;
  }
}

function guess(cell: Cell): number {
  const lines = cell.source.split("\n").length * 19;
  return 40 + Math.min(lines, 2000) + cell.outputs.length * 60;
}

// Drawn is a cell as it stands in the document.
class Drawn {
  readonly nodes: HTMLElement[] = [];
  alive = false;
  private prompt = element("div", "prompt");
  private outputs = element("div", "outputs");
  private shown: { output: Output; key: string; node: HTMLElement; text?: Text }[] = [];

  constructor(cell: Cell, language: string) {
    if (cell.type === "markdown") {
      this.nodes.push(markdown(cell));
      return;
    }
    if (cell.type === "raw") {
      this.nodes.push(source(cell.source, ""));
      return;
    }
    const code = source(cell.source, language);
    code.setAttribute("role", "group");
    code.setAttribute("aria-label", "code");
    if (cell.hidden.source || cell.tags.includes("hide-input")) {
      const details = document.createElement("details");
      const summary = document.createElement("summary");
      summary.textContent = "code";
      details.append(summary, code);
      this.nodes.push(this.prompt, details, this.outputs);
    } else {
      this.nodes.push(this.prompt, code, this.outputs);
    }
    this.update(cell);
  }

  update(cell: Cell): void {
    if (cell.type !== "code") return;
    const mark = cell.progress === "running" ? "*" : cell.count || " ";
    this.prompt.textContent = `[${mark}]`;
    if (cell.seconds > 0) this.prompt.title = `${cell.seconds.toFixed(2)} s`;
    for (const [i, output] of cell.outputs.entries()) this.put(i, output);
    for (const gone of this.shown.splice(cell.outputs.length)) gone.node.remove();
  }

  // put draws the i-th output, unless it stands there already. Text that grew
  // is only added to.
  private put(i: number, output: Output): void {
    const before = this.shown[i];
    const key = keyOf(output);
    if (before && before.output === output && before.key === key) return;
    const node = outputNode(output);
    if (/html|javascript|widget|plotly|vega/.test(node.dataset.mime ?? "")) this.alive = true;
    if (before) {
      node.style.minHeight = "";
      before.node.replaceWith(node);
    } else {
      this.outputs.append(node);
    }
    this.shown[i] = { output, key, node };
  }
}

function keyOf(output: Output): string {
  if (output.output_type === "stream") return `${output.name}:${output.text.length}:${output.text.slice(-80)}`;
  if (output.output_type === "error") return "error";
  versions.set(output.data, versions.get(output.data) ?? ++version);
  return String(versions.get(output.data));
}

let version = 0;
const versions = new WeakMap<object, number>();

function outputNode(output: Output): HTMLElement {
  switch (output.output_type) {
    case "stream":
      return long(output.text, `application/vnd.jupyter.${output.name === "stderr" ? "stderr" : "stdout"}`, `stream ${output.name}`);
    case "error": {
      const trace = output.traceback.join("\n") || `${output.ename}: ${output.evalue}`;
      const node = long(trace, "application/vnd.jupyter.stdout", "error");
      node.setAttribute("role", "group");
      node.setAttribute("aria-label", `error ${output.ename}`);
      return node;
    }
    default: {
      const plain = output.data["text/plain"];
      if (Object.keys(output.data).length === 1 && typeof plain === "string") return long(plain, "text/plain", "plain");
      return attached(output.data, output.metadata, "rich");
    }
  }
}

// long draws a text from its two ends and offers the rest.
function long(text: string, mime: string, kind: string): HTMLElement {
  if (text.length <= textLimit) return attached({ [mime]: text }, {}, kind);
  const node = element("div", "long");
  const half = textLimit / 2;
  const button = document.createElement("button");
  button.textContent = `Show the ${(text.length - textLimit).toLocaleString("en")} characters between`;
  button.onclick = () => {
    const pre = element("pre", "whole");
    pre.textContent = text.slice(half, -half);
    button.replaceWith(pre);
  };
  node.append(attached({ [mime]: text.slice(0, half) }, {}, kind), button, attached({ [mime]: text.slice(-half) }, {}, kind));
  return node;
}

function attached(data: Record<string, unknown>, metadata: Record<string, unknown>, kind: string): HTMLElement {
  const holder = element("div", `output ${kind}`);
  const { node } = render(data, metadata);
  holder.dataset.mime = node.dataset.mime ?? "";
  holder.append(node);
  // What is wide is scrolled by keyboard too.
  holder.tabIndex = 0;
  holder.setAttribute("role", "group");
  holder.setAttribute("aria-label", "output");
  return holder;
}

function markdown(cell: Cell): HTMLElement {
  const attachments = Object.entries(cell.attachments);
  const text = cell.source.replace(/\(attachment:([^)\s]+)\)/g, (whole, name: string) => {
    const data = attachments.find(([given]) => given === name || given === decodeURIComponent(name))?.[1];
    const [mime, base64] = Object.entries(data ?? {})[0] ?? [];
    return mime && typeof base64 === "string" ? `(data:${mime};base64,${base64})` : whole;
  });
  return render({ "text/markdown": text }, {}).node;
}

function element(tag: string, className: string): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

