import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";

const mime = "application/vnd.plotly.v1+json";

// RenderedPlotly hands a figure to plotly.js, which has no renderer among
// JupyterLab's own.
class RenderedPlotly extends Widget implements IRenderMime.IRenderer {
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const figure = model.data[mime] as { data?: unknown[]; layout?: Record<string, unknown>; config?: object };
    const plotly = (await import("plotly.js-dist-min")).default;
    this.node.classList.add("plotly-output");
    const layout = { ...figure.layout, autosize: true };
    await plotly.newPlot(this.node, figure.data ?? [], layout, { responsive: true, displaylogo: false, ...figure.config });
  }
}

export const plotlyFactory: IRenderMime.IRendererFactory = {
  safe: true,
  mimeTypes: [mime],
  createRenderer: () => new RenderedPlotly(),
};
