"""Lessons as files: running them into what is stored, and making practice copies of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schedlab.lessons.lint import GENERATED_ID, NAME, WIDGET, Notebook, code, tags, text_of

PATIENCE_S = 60  # a cell
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ANSWER = re.compile(r"^(\s*)# (?:answer|solution)\b.*$", re.IGNORECASE)
HEADING = re.compile(r"^(#{1,6}\s.*|\*\*[^*]+\*\*)", re.MULTILINE)


class LessonFailed(RuntimeError):
    """A cell of a lesson raised, or took too long: says which."""


def execute(path: Path) -> bool:
    """Run a lesson from a fresh kernel and store it with its outputs. True when the file has changed.

    Raises LessonFailed; the file then stays as it was.
    """
    import nbclient
    import nbformat

    before = path.read_text(encoding="utf-8")
    stored = json.loads(before)
    name_cells(stored["cells"])
    files: Any = nbformat  # which has no types
    notebook = files.reads(json.dumps(stored), as_version=4)
    client: Any = nbclient.NotebookClient(
        notebook,
        timeout=PATIENCE_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent.resolve())}},
        store_widget_state=False,
        record_timing=False,
    )
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable  # this Python, whatever kernels the user has registered
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise LessonFailed(f"{path.name}: {error}") from None
    except nbclient.exceptions.CellTimeoutError:
        raise LessonFailed(f"{path.name}: a cell takes more than {PATIENCE_S} s") from None
    after = dumped(settled(json.loads(files.writes(notebook))))
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def settled(notebook: Notebook) -> Notebook:
    """The notebook without anything that differs from run to run or from machine to machine."""
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    for cell in notebook["cells"]:
        cell["metadata"] = {"tags": tags(cell)} if tags(cell) else {}
        cell.pop("attachments", None)
    for number, cell in enumerate(code(notebook), start=1):
        cell["execution_count"] = number  # nbval takes a cell without one for a cell that never ran
        for output in cell["outputs"]:
            if output["output_type"] in ("execute_result", "display_data"):
                output["metadata"] = {}
            if output["output_type"] == "execute_result":
                output["execution_count"] = number
            # a view without its model shows nothing; without it, every reader takes the picture
            output.get("data", {}).pop(WIDGET, None)
        cell["outputs"] = _joined(cell["outputs"])
    return notebook


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbouring pieces of one stream as one: how a text is cut up depends on the moment."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if (
            found
            and output["output_type"] == "stream" == found[-1]["output_type"]
            and output["name"] == found[-1]["name"]
        ):
            found[-1]["text"] = text_of(found[-1]["text"]) + text_of(output["text"])
        else:
            found.append(output)
    return found


def dumped(notebook: Notebook) -> str:
    """As Jupyter writes it, with the keys in order."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def name_cells(cells: Iterable[dict[str, Any]]) -> None:
    """Give every cell without a name of its own one after its stage or kind: `predict-2`."""
    cells = list(cells)
    taken = {cell.get("id", "") for cell in cells}
    own: set[str] = set()
    for cell in cells:
        name = cell.get("id", "")
        if NAME.fullmatch(name) and not GENERATED_ID.fullmatch(name) and name not in own:
            own.add(name)
            continue
        stem = (tags(cell) or ["text" if cell["cell_type"] == "markdown" else "run"])[0]
        number = next(n for n in range(1, 1000) if f"{stem}-{n}" not in taken)
        cell["id"] = f"{stem}-{number}"
        taken.add(cell["id"])


def practised(notebook: Notebook) -> Notebook:
    """The practice copy: headings and code without outputs; what stands below `# answer` in its block is left out."""
    cells = []
    for cell in settled(json.loads(json.dumps(notebook)))["cells"]:
        if cell["cell_type"] == "code":
            cells.append(
                {**cell, "outputs": [], "execution_count": None, "source": without_answers(text_of(cell["source"]))}
            )
        elif heading := HEADING.search(text_of(cell["source"])):
            cells.append({**cell, "source": heading[0]})
    return {**notebook, "cells": cells, "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}}}


def without_answers(source: str) -> str:
    """The code up to `# answer`; the rest of that block is the learner's to write."""
    out: list[str] = []
    depth: str | None = None
    for line in source.split("\n"):
        mark = ANSWER.match(line)
        if mark:
            depth = mark[1]
            out.append(f"{depth}...")
        elif depth is None or (line.strip() and len(line) - len(line.lstrip()) < len(depth)):
            depth = None
            out.append(line)
    return "\n".join(out)


def practice(paths: Iterable[Path], folder: Path) -> list[Path]:
    """Write the practice copies into `folder`; return what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in paths:
        copy = folder / path.name
        copy.write_text(dumped(practised(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
        written.append(copy)
    return written
