declare module "plotly.js-dist-min" {
  const plotly: { newPlot(node: HTMLElement, data: unknown[], layout: object, config: object): Promise<unknown> };
  export default plotly;
}
declare module "*.css";
