// Renders outputs by JupyterLab's parts. Everything that is large comes when it
// is first needed.
import { MimeModel, RenderMimeRegistry, standardRendererFactories } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import { marked } from "marked";
import type { Bundle } from "../notebook/notebook";
import { widgetFactory } from "./widgets";
import { plotlyFactory } from "./plotly";

type Typesetter = IRenderMime.ILatexTypesetter & { typeset(node: HTMLElement): Promise<void> };

let mathjax: Promise<Typesetter> | undefined;

async function loadMathJax(): Promise<Typesetter> {
  const [module] = await Promise.all([import("@jupyterlab/mathjax-extension"), import("@jupyterlab/mathjax-extension/style/fonts.css")]);
  return new module.MathJaxTypesetter() as Typesetter;
}

// Typesetting waits for MathJax, which comes only where there is a formula.
const latex: IRenderMime.ILatexTypesetter = {
  typeset(node) {
    if (!/\$|\\\(|\\\[|\\begin\{/.test(node.textContent ?? "")) return;
    mathjax ??= loadMathJax();
    void mathjax.then((m) => m.typeset(node));
  },
};

const markdown: IRenderMime.IMarkdownParser = {
  render: async (content) => marked.parse(content, { gfm: true, async: false }),
};

export const registry = new RenderMimeRegistry({
  initialFactories: standardRendererFactories,
  latexTypesetter: latex,
  markdownParser: markdown,
});
registry.addFactory(plotlyFactory, 45);
registry.addFactory(widgetFactory, 1);
for (const [mimes, load] of [
  [
    ["application/vnd.vega.v5+json", "application/vnd.vegalite.v3+json", "application/vnd.vegalite.v4+json", "application/vnd.vegalite.v5+json"],
    async () => (await import("@jupyterlab/vega5-extension")).rendererFactory,
  ],
  [
    ["application/json", "application/geo+json"],
    async () => {
      const module = await import("@jupyterlab/json-extension");
      const extension = [module.default].flat()[0];
      return extension?.rendererFactory;
    },
  ],
] as const) {
  registry.addFactory(
    { safe: true, mimeTypes: mimes, createRenderer: (o) => new Lazy(o, load as () => Promise<IRenderMime.IRendererFactory>) },
    50,
  );
}

// attach makes a widget believe that it stands in the document, which is when
// it typesets, and returns its node, which will.
function attach(widget: Widget): HTMLElement {
  Widget.attach(widget, document.body);
  widget.node.remove();
  return widget.node;
}

// Lazy stands for a renderer whose code is not here yet.
class Lazy extends Widget implements IRenderMime.IRenderer {
  constructor(
    private options: IRenderMime.IRendererOptions,
    private load: () => Promise<IRenderMime.IRendererFactory>,
  ) {
    super();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const factory = await this.load();
    if (this.isDisposed) return;
    const renderer = factory.createRenderer(this.options);
    this.node.replaceChildren(attach(renderer as unknown as Widget));
    await renderer.renderModel(model);
  }
}

// render returns an element that shows a bundle by the richest of its types,
// and fills it by and by.
export function render(data: Bundle, metadata: Bundle): { node: HTMLElement; done: Promise<void> } {
  const mime = preferred(data);
  if (!mime) {
    const node = document.createElement("p");
    node.className = "note";
    node.textContent = `An output of the type ${Object.keys(data).join(", ") || "none"}, which is not shown here.`;
    return { node, done: Promise.resolve() };
  }
  if (typeof data["text/html"] === "string") {
    // A refresh would lead the frame away, to where its policy lets nothing load.
    data = { ...data, "text/html": data["text/html"].replace(/<meta\b[^>]*>/gi, "") };
  }
  const renderer = registry.createRenderer(mime);
  const model = new MimeModel({ data: data as never, metadata: metadata as never, trusted: true });
  const node = attach(renderer);
  const done = renderer.renderModel(model).catch((error: unknown) => {
    console.error("render", mime, error);
    renderer.node.textContent = String(data["text/plain"] ?? `This output cannot be shown: ${error}`);
  });
  node.dataset.mime = mime;
  return { node, done: done.then(() => describe(renderer.node, data)) };
}

function preferred(data: Bundle): string | undefined {
  return registry.preferredMimeType(data as never, "any");
}

// describe gives what is drawn a name for those who do not see it.
function describe(node: HTMLElement, data: Bundle): void {
  const plain = typeof data["text/plain"] === "string" ? data["text/plain"].slice(0, 200) : "";
  for (const image of node.querySelectorAll("img:not([alt])")) {
    image.setAttribute("alt", plain || "image of the output");
  }
  if (node.dataset.mime === "image/svg+xml" || node.dataset.mime?.includes("vega") || node.dataset.mime?.includes("plotly")) {
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", plain || "drawing of the output");
  }
}
