# Reads output variables in the kernel and publishes them as one display_data
# message. It runs in a namespace of its own: `ns` is the notebook's, `names`,
# `max_rows` and `max_bytes` come from Quire.
import json


def of(value, depth=0):
    """Returns (type, JSON value, truncated)."""
    kind = type(value)
    if value is None:
        return "null", None, False
    if kind is bool:
        return "bool", value, False
    if kind is int:
        return "int", value if -(2**53) <= value <= 2**53 else digits(value), False
    if kind is float:
        return "float", number(value), False
    if kind is str:
        return "string", value.encode("utf-8", "backslashreplace").decode(), False
    if kind in (list, tuple) and depth < 64:
        items = [of(item, depth + 1) for item in value]
        return "list", [item[1] for item in items], any(item[2] for item in items)
    if kind is dict and depth < 64:
        items = {(k if type(k) is str else str(k)): of(v, depth + 1) for k, v in value.items()}
        return "dict", {k: v[1] for k, v in items.items()}, any(v[2] for v in items.values())
    return library(value, depth) or ("object", {"type": name(kind), "repr": shown(value)}, False)


def digits(value):
    """Writes a long integer without the interpreter's limit on its digits."""
    if abs(value) < 10**4000:
        return str(value)
    return hex(value)


def number(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def library(value, depth):
    """numpy's and pandas' types, of those libraries that the notebook has imported."""
    import sys

    np, pd = sys.modules.get("numpy"), sys.modules.get("pandas")
    if np is not None and isinstance(value, np.generic):
        plain = value.item()
        return None if isinstance(plain, np.generic) else of(plain, depth + 1)
    if np is not None and isinstance(value, np.ndarray):
        kind, plain, cut = of(value.tolist(), depth + 1)
        return "array" if value.ndim else kind, plain, cut
    if pd is not None and isinstance(value, pd.Series):
        cut = len(value) > max_rows
        kind, plain, inner = of(value.iloc[:max_rows].tolist(), depth + 1)
        return "array", plain, cut or inner
    if pd is not None and isinstance(value, pd.DataFrame):
        cut = len(value) > max_rows
        columns = [c if type(c) is str else str(c) for c in value.columns]
        rows = value.iloc[:max_rows].itertuples(index=False, name=None)
        records = [{c: cell(v, pd, depth) for c, v in zip(columns, row)} for row in rows]
        return "dataframe", records, cut
    if pd is not None and (value is pd.NaT or value is pd.NA):
        return "null", None, False
    if pd is not None and isinstance(value, pd.Timestamp):
        return "string", value.isoformat(), False
    return None


def cell(value, pd, depth):
    """A missing value in a table is null, whatever stands for it."""
    if value is None or value is pd.NaT or value is pd.NA or (type(value) is float and value != value):
        return None
    return of(value, depth + 1)[1]


def name(kind):
    return kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__


def shown(value):
    try:
        text = repr(value)
    except Exception as e:
        text = "<repr raised " + type(e).__name__ + ">"
    return text[:10000].encode("utf-8", "backslashreplace").decode()


def read(key):
    if key not in ns:
        return {"name": key, "type": "missing"}
    try:
        kind, value, cut = of(ns[key])
        entry = {"name": key, "type": kind, "value": value}
        if cut:
            entry["truncated"] = True
        while len(json.dumps(entry, allow_nan=False)) > max_bytes:
            entry = smaller(entry, ns[key])
        return entry
    except Exception as e:
        return {"name": key, "type": "object", "value": {"type": name(type(ns[key])), "repr": "<unreadable: " + type(e).__name__ + ">"}}


def smaller(entry, value):
    """Keeps the first half of what can be halved, and else the repr."""
    entry = dict(entry, truncated=True)
    inner = entry["value"]
    if isinstance(inner, (str, list)) and len(inner) > 1 and entry["type"] in ("string", "list", "array", "dataframe"):
        entry["value"] = inner[: len(inner) // 2]
    elif isinstance(inner, dict) and len(inner) > 1 and entry["type"] == "dict":
        entry["value"] = dict(list(inner.items())[: len(inner) // 2])
    elif entry["type"] == "object":
        entry["value"] = {"type": name(type(value)), "repr": "<larger than the limit>"}
    else:
        entry.update(type="object", value={"type": name(type(value)), "repr": shown(value)[:1000]})
    return entry


def publish():
    from IPython.display import publish_display_data

    publish_display_data({MIME: json.dumps([read(key) for key in names], allow_nan=False)})


publish()
