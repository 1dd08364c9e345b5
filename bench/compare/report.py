"""The figures as a Markdown table, and as a verdict."""

from figures import PROMISES
from notebooks import CELLS, LINES
from server import RUNNING

BEGIN = "<!-- what follows is written by make bench -->\n"
END = "<!-- until here -->\n"
WHO = ("papermill", "jupyter execute", "nbclient")
ROWS = {
    "first output, cold": "submit → first output, kernel started cold, ms",
    "first output, forked": "submit → first output, kernel forked on demand, ms",
    "first output, ready": "submit → first output, from a slot kept ready, ms",
    "environment, cold": "the same, cold, a project's first run in another's environment of pandas and scikit-learn, ms",
    "environment, forked": "the same, forked, a project's first run in another's environment of pandas and scikit-learn, ms",
    "environment, ready": "the same, from a slot, a project's first run in another's environment of pandas and scikit-learn, ms",
    "done": "submit → done, ms",
    "one cell, a minute": "notebooks a minute, one trivial cell",
    "pandas, a minute": "notebooks a minute, five cells of pandas",
    "memory": f"memory of each of {RUNNING} executions (PSS), MiB",
    "per cell": f"each further cell of {CELLS}, ms",
    "lines": f"{LINES:,} printed lines, ms",
    "display": "one display of 50 MB, ms",
    "display, memory": "one display of 50 MB, memory at most, MiB",
}


def ratio(figure, values, who):
    """Returns how many times better Quire's value is."""
    if figure.endswith("a minute"):
        return values["quire"] / values[who]
    return values[who] / values["quire"]


def table(run):
    v, m, figures = run["versions"], run["machine"], run["figures"]
    titles = [f"papermill {v['papermill']}", f"jupyter execute (nbclient {v['nbclient']})", "nbclient in one process"]
    lines = [
        f"Medians of {run['rounds']} rounds at commit {run['commit']}: {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB, "
        f"load before it {run['load']}; Python {v['python']}, ipykernel {v['ipykernel']}, pandas {v['pandas']}; {run['clients']} clients for the throughput.",
        "", "| | Quire | " + " | ".join(titles) + " |", "|---|---|" + "---|" * len(WHO),
    ]
    for figure, title in ROWS.items():
        if values := figures.get(figure):
            cells = [f"{number(values[who])} ({ratio(figure, values, who):.1f}×)" if who in values else "" for who in WHO]
            lines.append(f"| {title} | **{number(values['quire'])}** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def number(value):
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


# The part of what is promised under which a ratio is lost. A machine with other
# work on it costs a program of several processes more than one of a single process.
WIDE = 1 / 10


def lost(figures):
    """Returns what is far less good beside a peer than it is promised to be, None if all is well."""
    text = []
    for (figure, who), promise in PROMISES.items():
        values = figures.get(figure, {})
        if who in values and (got := ratio(figure, values, who)) < promise * WIDE:
            text.append(f"{figure}: {got:.1f} times as good as {who}, promised is {promise}")
    return "\n".join(text) or None


def write(path, text):
    """Puts the table between its marks."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])
