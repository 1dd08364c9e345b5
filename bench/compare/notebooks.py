"""The notebooks that everybody runs."""

import json

CELLS = 200
LINES = 100_000
DISPLAY = 50_000_000

# What a cell prints is the moment at which it runs: that a peer's user sees it
# later than that is not held against the peer.
CLOCK = "import time; print(time.time())"
PANDAS = (
    "import pandas as pd",
    "df = pd.DataFrame({'a': range(10_000), 'b': [i % 7 for i in range(10_000)]})",
    "df['c'] = df.a.rolling(5).mean()",
    "print(df.groupby('b').agg({'a': 'sum', 'c': 'mean'}))",
    "df.describe()",
)
# Waits for a file beside it.
WAIT = "import os, time\nprint('waits')\nwhile not os.path.exists('go'): time.sleep(0.05)"
SOURCES = {
    "clock": (CLOCK,),
    "one": ("x = 1",),
    "pandas": PANDAS,
    "many": tuple(f"x = {i}" for i in range(CELLS)),
    "lines": (f"for i in range({LINES}):\n    print(i)",),
    "display": (f"from IPython.display import display\ndisplay({{'image/png': 'A' * {DISPLAY}}}, raw=True)",),
    "wait": (WAIT,),
}


def notebook(sources):
    """Returns the text of a notebook of code cells."""
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": s}
        for i, s in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def write_all(folder):
    """Writes each of them to NAME.ipynb in folder, and a declaration of an environment."""
    (folder / "requirements.txt").write_text("pandas\nscikit-learn\n")
    for name, sources in SOURCES.items():
        (folder / f"{name}.ipynb").write_text(notebook(sources))
