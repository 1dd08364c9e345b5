// Jupyter widgets as they last stood: there is no kernel to move them.
import type { HTMLManager } from "@jupyter-widgets/html-manager";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import type { WidgetModel } from "../notebook/notebook";

const mime = "application/vnd.jupyter.widget-view+json";

let states: Record<string, WidgetModel> = {};
let loading: Promise<HTMLManager> | undefined;
const known = new Set<string>();

// setWidgets replaces all states, when another notebook is shown.
export function setWidgets(all: Record<string, WidgetModel>): void {
  states = all;
  known.clear();
  loading = undefined;
}

// updateWidgets brings changed states to what is shown of them.
export async function updateWidgets(ids: Iterable<string>): Promise<void> {
  if (!loading) return; // nothing is shown
  const manager = await loading;
  await give(manager, [...ids]);
}

// The widgets were written for webpack, and say to it where their files are.
Object.assign(globalThis, { __webpack_public_path__: "/assets/" });

// They also call MathJax as it was before version 3, where there is any.
function oldMathJax(): void {
  const found = (globalThis as { MathJax?: { Hub?: object } }).MathJax;
  if (found) found.Hub ??= { Queue() {} };
}

async function load(): Promise<HTMLManager> {
  await Promise.all([
    import("@jupyter-widgets/base/css/index.css"),
    import("@jupyter-widgets/controls/css/widgets-base.css"),
    import("@fortawesome/fontawesome-free/css/all.min.css"),
  ]);
  const { HTMLManager } = await import("@jupyter-widgets/html-manager");
  const manager = new HTMLManager();
  await give(manager, Object.keys(states));
  return manager;
}

async function give(manager: HTMLManager, ids: string[]): Promise<void> {
  const state: Record<string, WidgetModel> = {};
  for (const id of ids) {
    const model = states[id];
    if (!model?.model_name) continue;
    known.add(id);
    state[id] = structuredClone(model);
  }
  if (Object.keys(state).length > 0) {
    await manager.set_state({ version_major: 2, version_minor: 0, state } as never);
  }
}

class RenderedWidget extends Widget implements IRenderMime.IRenderer {
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { model_id: id } = model.data[mime] as { model_id?: string };
    if (!id || !states[id]) {
      this.node.textContent = String(model.data["text/plain"] ?? "A widget whose state is not kept.");
      return;
    }
    loading ??= load();
    const manager = await loading;
    if (!known.has(id)) await give(manager, [id]);
    oldMathJax();
    const view = await manager.create_view(await manager.get_model(id));
    await manager.display_view(view as never, this.node);
  }
}

export const widgetFactory: IRenderMime.IRendererFactory = {
  safe: false,
  mimeTypes: [mime],
  createRenderer: () => new RenderedWidget(),
};
