// Notebooks as the tests need them.
let count = 0;

export const code = (source, tags = []) => ({ cell_type: "code", id: `c${++count}`, metadata: tags.length ? { tags } : {}, source, outputs: [], execution_count: null });
export const text = (source) => ({ cell_type: "markdown", id: `m${++count}`, metadata: {}, source });

export function notebook(...cells) {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "python3", display_name: "Python 3", language: "python" } },
    cells,
  });
}

// show is a cell that displays a bundle.
export const show = (bundle) => code(`from IPython.display import display\ndisplay(${python(bundle)}, raw=True)`);

function python(value) {
  return `__import__("json").loads(${JSON.stringify(JSON.stringify(value))})`;
}
