"""Files as numbered lines of bytes, plain or gzipped, read as a stream."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from schedlab.trace import TraceError

BUFFER = 1 << 18  # bytes
LONGEST_LINE = 1 << 20  # bytes; longer is no trace, and would be read into memory whole
GZIP = b"\x1f\x8b"


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if they are gzipped; the content tells, not the name."""
    file = open(path, "rb", buffering=BUFFER)  # noqa: SIM115  # the caller closes it
    if file.read(2) == GZIP:
        file.close()
        return cast("IO[bytes]", gzip.open(path, "rb"))
    file.seek(0)
    return file


def lines_of(path: Path) -> Iterator[bytes]:
    """Every line with its line break. Raises TraceError with the line at which a packed file breaks off."""
    number = 0
    try:
        with open_bytes(path) as file:
            while line := file.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise TraceError(f"line {number}: longer than {LONGEST_LINE:,} bytes; this is no trace")
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"line {number + 1}: the packed file is cut off or damaged here ({error})") from None


def text(raw: bytes) -> str:
    """A name as text. A kernel cuts names after 15 bytes, also inside a character: such bytes become U+FFFD."""
    return raw.decode("utf-8", "replace")


def shown(value: object, most: int = 120) -> str:
    """Anything from a file as one harmless line for a message: no control characters, not too long."""
    line = "".join(_picture(c) for c in (text(value) if isinstance(value, bytes) else str(value)))
    return line if len(line) <= most else line[: most - 1] + "…"


def _picture(c: str) -> str:
    code = ord(c)
    if code < 32:
        return chr(0x2400 + code)  # ␀ ␁ ␂ ...
    if code == 127:
        return "␡"
    return c if c.isprintable() else "\N{REPLACEMENT CHARACTER}"
