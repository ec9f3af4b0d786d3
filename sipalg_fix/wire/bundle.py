"""
Makes the probe's one file: a zip archive that Python runs (PEP 441), with the modules that
:mod:`sipalg_fix.wire.onefile` imports, and with a responder's address and pin if they are given.

The code is written for the Python that the rest of this tool needs. What 3.9 lacks of it is only two words of
``dataclass`` (``slots`` and ``kw_only``), which there are left out; the tests see to it that nothing else is.
"""

from __future__ import annotations

import ast
import io
import os
import zipfile
from pathlib import Path

PACKAGE = "sipalg_fix"
ENTRY = "sipalg_fix.wire.onefile"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAIN = """\
import sys

if sys.version_info < (3, 9):
    sys.exit("Python 3.9 or newer is needed; this is " + sys.version)
if sys.version_info < (3, 10):
    import dataclasses

    whole = dataclasses.dataclass

    def dataclass(cls=None, slots=False, kw_only=False, **rest):
        return whole(cls, **rest)

    dataclasses.dataclass = dataclass

from sipalg_fix.wire.onefile import started

sys.exit(started(sys.argv[1:], {responder!r}, {pin!r}))
"""


def modules() -> dict[str, Path]:
    """Every module of this tool that the probe's file needs, and its source."""
    root = Path(__file__).parents[1]
    found: dict[str, Path] = {}
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = root.joinpath(*name.split(".")[1:])
        found[name] = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        waiting += _imports(found[name])
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return dict(sorted(found.items()))


def _imports(source: Path) -> list[str]:
    """Modules of this tool that a module imports when it is loaded."""
    return [
        node.module
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE
    ]


def bundle(responder: str = "", pin: str = "") -> bytes:
    """The file's bytes; the same for the same code, responder and pin."""
    made = io.BytesIO()
    made.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, "__main__.py", _MAIN.format(responder=responder, pin=pin))
        for name, source in modules().items():
            place = name.replace(".", "/") + ("/__init__.py" if source.name == "__init__.py" else ".py")
            _put(archive, place, source.read_text(encoding="utf-8"))
    return made.getvalue()


def _put(archive: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, text)


def write(target: Path, responder: str = "", pin: str = "") -> int:
    """Write the file, executable; how many bytes it has. OSError."""
    data = bundle(responder, pin)
    target.write_bytes(data)
    os.chmod(target, 0o755)
    return len(data)
