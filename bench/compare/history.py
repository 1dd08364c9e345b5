"""The figures of earlier runs, one line of JSON each."""

import json

# A change that is larger is shown: medians of a busy machine differ by less.
NOTABLE = 0.1


def append(path, run):
    with path.open("a") as file:
        file.write(json.dumps(run, sort_keys=True) + "\n")


def difference(path, run):
    """Returns what has changed since the last run on the same machine."""
    lines = path.read_text().splitlines() if path.exists() else []
    before = [old for old in map(json.loads, lines) if old["machine"] == run["machine"]]
    if not before:
        return "\nThe first run on this machine."
    last, text = before[-1], []
    for figure, values in run["figures"].items():
        was = last["figures"].get(figure, {}).get("quire")
        if was and abs(values["quire"] / was - 1) > NOTABLE:
            text.append(f"{figure}: {was:.4g} -> {values['quire']:.4g} ({100 * (values['quire'] / was - 1):+.0f} %)")
    title = f"\nSince {last['commit']} (load {last['load']}, now {run['load']}):"
    return "\n".join([title, *(text or [f"nothing of Quire's differs by more than {100 * NOTABLE:.0f} %"])])
