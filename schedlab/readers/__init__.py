"""Recordings of real kernels, and scenario files, as what the rest of schedlab works on.

`read_trace(path)` recognises the form of a recording from its content, never from its name; `read_scenario` in
`schedlab.readers.scenarios` reads what can be run.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path

from schedlab.readers.recording import is_recording, read_recording
from schedlab.readers.stream import lines_of, open_bytes, shown
from schedlab.readers.text import dialect_of, read_text
from schedlab.trace import Trace, TraceError

SNIFFED = 1 << 20  # bytes looked at to recognise a form
FORMS = (
    "`trace-cmd report` (also with -t or -R)",
    "`perf sched script` or `perf script` (also with --ns)",
    "raw ftrace (/sys/kernel/tracing/trace)",
    "the CSV recordings of data/linux",
    "a trace that schedlab saved (.json)",
)
# What people hand over instead, by its first bytes or by words near its beginning; and what to do about it.
NOT_TEXT = {
    b"\x17\x08Dtracing": "this is a binary trace.dat; write its text with `trace-cmd report -t FILE > trace.txt`",
    b"PERFILE2": "this is a binary perf.data; write its text with `perf script --ns -i FILE > trace.txt`",
    b"\x28\xb5\x2f\xfd": "this is compressed with zstd; unpack it first (gzip is read as it is)",
    b"\xfd7zXZ": "this is compressed with xz; unpack it first (gzip is read as it is)",
    b"PK\x03\x04": "this is a zip archive; unpack it first (gzip is read as it is)",
}
SUMMARIES = {
    b"sch delay": "`perf sched timehist` rounds and leaves out wake-ups; give the events: `perf sched script --ns`",
    b"Max delay": "`perf sched latency` holds sums only; give the events: `perf sched script --ns`",
}


def read_trace(path: str | Path) -> Trace:
    """A recording, or a saved trace, plain or gzipped. Raises TraceError with the line; then nothing is loaded."""
    path = Path(path)
    try:
        with open_bytes(path) as file:
            head = file.read(SNIFFED)
    except IsADirectoryError:
        raise TraceError(f"{shown(path)}: this is a folder; give a file") from None
    except FileNotFoundError:
        raise TraceError(f"{shown(path)}: there is no such file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        head = b""
    except io.UnsupportedOperation:
        raise TraceError(f"{shown(path)}: a pipe cannot be read twice; save what it gives in a file") from None
    except OSError as error:
        raise TraceError(f"{shown(path)}: {error.strerror or error}") from None
    except ValueError as error:  # a path with a NUL
        raise TraceError(f"{shown(path)}: {error}") from None
    try:
        if not head:
            for _line in lines_of(path):  # says at which line a packed file breaks off
                pass
        return _read(path, head)
    except TraceError as error:
        raise TraceError(f"{shown(path)}: {error}") from None


def _read(path: Path, head: bytes) -> Trace:
    if not head.strip():
        raise TraceError("the file is empty")
    for magic, advice in NOT_TEXT.items():
        if head.startswith(magic):
            raise TraceError(advice)
    if head.lstrip()[:1] == b"{":
        return _saved(path)
    if is_recording(head):
        return read_recording(path)
    dialect = dialect_of(head)
    if dialect is not None:
        return read_text(path, dialect, head)
    for word, advice in SUMMARIES.items():
        if word in head[:4096]:
            raise TraceError(advice)
    raise TraceError(f"line 1: this is no trace that schedlab knows. It reads {'; '.join(FORMS)}")


def _saved(path: Path) -> Trace:
    try:
        with open_bytes(path) as file:
            data = json.loads(file.read())
    except json.JSONDecodeError as error:
        raise TraceError(f"line {error.lineno}: not a saved trace: {error.msg}") from None
    except (ValueError, OSError, EOFError, RecursionError, zlib.error) as error:
        raise TraceError(f"not a saved trace: {error}") from None
    if isinstance(data, dict) and "workload" in data and "schedlab" not in data:
        raise TraceError("this describes a recording; give the .csv.gz that stands beside it")
    if isinstance(data, dict) and "traceEvents" in data:
        raise TraceError("this was written for Perfetto; give the trace that it was made from (schedlab run -o x.json)")
    return Trace.from_json(data)


__all__ = ["read_trace", "FORMS"]
