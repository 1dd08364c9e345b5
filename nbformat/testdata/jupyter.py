"""What Jupyter's nbformat makes of notebooks.

jupyter.py READ WRITTEN: for each notebook of the folder READ, which Quire has
written to WRITTEN, print one line of JSON: what is wrong with Quire's file, and
the text that nbformat itself writes. Cell ids that READ lacks are Quire's.
"""

import json
import logging
import pathlib
import sys
import warnings

import nbformat

warnings.simplefilter("ignore")
logging.disable()

read, written = map(pathlib.Path, sys.argv[1:])
for path in sorted(written.iterdir()):
    text = path.read_text(encoding="utf8")
    ours = nbformat.reader.reads(text)
    problem = ""
    if ours.nbformat_minor <= nbformat.current_nbformat_minor:
        try:
            nbformat.validate(json.loads(text), version=ours.nbformat, version_minor=ours.nbformat_minor)
        except nbformat.ValidationError as e:
            problem = str(e)

    original = (read / path.name).read_text(encoding="utf8")
    given = json.loads(original).get("cells", [])
    theirs = nbformat.reader.reads(original)
    if theirs.nbformat < 4:
        theirs = nbformat.convert(theirs, 4)
    if theirs.nbformat_minor >= 5:
        for i, (cell, own) in enumerate(zip(theirs.cells, ours.cells)):
            if not (i < len(given) and "id" in given[i]):
                cell.id = own.id
    # Not nbformat.writes: for a minor that it does not know it fails to validate.
    expected = nbformat.v4.writes(theirs) + "\n"
    print(json.dumps({"name": path.name, "problem": problem, "expected": expected}))
