"""The figures as a plot: one bar for each tool, in times of Quire's value."""

import math
from xml.sax.saxutils import escape

from report import ROWS, WHO, number, ratio

COLOURS = {"papermill": "#c9a227", "jupyter execute": "#d1495b", "nbclient": "#66778d"}
LEFT, WIDTH, BAR, GAP = 330, 420, 9, 12


def write(path, figures):
    """Draws how many times better Quire is than each peer, on a logarithmic scale."""
    rows = [(title, figure, figures[figure]) for figure, title in ROWS.items() if figure in figures and len(figures[figure]) > 1 and figure != "first output, cold"]
    best = max(ratio(figure, values, who) for _, figure, values in rows for who in WHO if who in values)
    scale = WIDTH / math.log10(max(best, 10))
    body, y = [], 46
    for title, figure, values in rows:
        height = BAR * len(WHO)
        body.append(text(LEFT - 8, y + height / 2, f"{title.rsplit(', ', 1)[0] if title.endswith((', ms', ', MiB')) else title}: {number(values['quire'])}"
                         + (" ms" if title.endswith(", ms") else " MiB" if title.endswith(", MiB") else ""), "end"))
        for i, who in enumerate(WHO):
            if who in values:
                times = ratio(figure, values, who)
                length = math.log10(times) * scale
                x, w = (LEFT, length) if length >= 0 else (LEFT + length, -length)
                body.append(f'<rect x="{x:.1f}" y="{y + i * BAR}" width="{max(w, 0.5):.1f}" height="{BAR - 1}" fill="{COLOURS[who]}"/>')
                body.append(text(max(x + w, LEFT) + 4, y + i * BAR + 4, f"{times:.1f}×", "start", 8))
        y += height + GAP
    grid = [f'<line x1="{LEFT + math.log10(n) * scale:.1f}" x2="{LEFT + math.log10(n) * scale:.1f}" y1="38" y2="{y}" stroke="#8884" />'
            + text(LEFT + math.log10(n) * scale, 32, f"{n}×", "middle", 9) for n in (1, 3, 10, 30, 100) if n <= best]
    legend = [f'<rect x="{10 + i * 150}" y="8" width="9" height="9" fill="{COLOURS[who]}"/>' + text(24 + i * 150, 13, who, "start")
              for i, who in enumerate(WHO)]
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 50} {y}" font-family="sans-serif" fill="#888" role="img" '
        f'aria-label="How many times better Quire is than its peers">\n' + "\n".join(grid + legend + body) + "\n</svg>\n")


def text(x, y, content, anchor, size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" dominant-baseline="central">{escape(content)}</text>'
