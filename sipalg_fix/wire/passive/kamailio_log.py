"""
REGISTERs from the log of a Kamailio, which writes one line for each by :data:`XLOG`.

The line holds what the rules need, percent-encoded, so that no header can end it or begin another.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from sipalg_fix.model.errors import CaptureError
from sipalg_fix.wire.passive.files import Careful, opened
from sipalg_fix.wire.passive.glance import literal
from sipalg_fix.wire.passive.heard import LONGEST, Heard, NotRead

MARK = "sipalg-fix:"
_ENCODED = {
    "ru": "ru", "v1": "hdr(Via)[0]", "v2": "hdr(Via)[1]", "fu": "fu", "tu": "tu", "ct": "ct", "ci": "ci",
}  # fmt: skip
XLOG = (
    'xlog("L_INFO", "'
    + MARK
    + " t=$TS si=$si sp=$sp ri=$Ri rp=$Rp pr=$proto rm=$rm cs=$cs "
    + " ".join(f"{key}=$({value}{{s.escape.param}})" for key, value in _ENCODED.items())
    + '\\n");'
)
"""The call in ``kamailio.cfg``."""
_NULL = b"<null>"
_BLOCK = 65536


def heard_in(files: Sequence[Path], not_read: NotRead) -> Iterator[Heard]:
    """
    The messages of logs, file by file; ``-`` is standard input. :class:`CaptureError` if a file that is not
    empty has no line of the documented form.
    """
    sources = [(path, opened(path)[0]) for path in files]
    for path, file in sources:
        found, lines = False, 0
        for line in _lines(file, path, not_read):
            lines += 1
            _, marked, fields = line.partition(MARK.encode())
            if not marked:
                continue
            heard = message_of(fields)
            if heard is None:
                not_read["log lines of another form"] += 1
                continue
            found = True
            yield heard
        if lines and not found:
            raise CaptureError("log-format", f"{path}: no line in it is one of the documented xlog call's")


def message_of(fields: bytes) -> Heard | None:
    """The message that a line's fields describe; None if one that is needed is not there."""
    values = dict(_pair(each) for each in fields.split())
    source, target = literal(_text(values, "si")), literal(_text(values, "ri"))
    method, via, call_id = (values.get(key, b"") for key in ("rm", "v1", "ci"))
    if not (source and target and method.isalpha() and via and call_id):
        return None
    headers = [
        (b"Via", via), (b"Via", values.get("v2", b"")), (b"From", _uri(values.get("fu", b""))),
        (b"To", _uri(values.get("tu", b""))), (b"Call-ID", call_id),
        (b"CSeq", values.get("cs", b"0") + b" " + method), (b"Contact", values.get("ct", b"")),
    ]  # fmt: skip
    lines = [method + b" " + (values.get("ru") or b"sip:unknown") + b" SIP/2.0"]
    lines += [name + b": " + value for name, value in headers if value]
    return Heard(
        at=float(_number(values, "t", 1 << 40)),
        source=source,
        source_port=_number(values, "sp", 65535),
        target=target,
        target_port=_number(values, "rp", 65535),
        transport=_text(values, "pr").lower()[:8] or "udp",
        data=b"\r\n".join(lines) + b"\r\n\r\n",
        whole=False,
    )


def _pair(field: bytes) -> tuple[str, bytes]:
    key, _, value = field.partition(b"=")
    # A folded header stays one line here.
    plain = b"" if value == _NULL else b" ".join(unquote_to_bytes(value).split())
    return key.decode("ascii", "replace"), plain


def _text(values: dict[str, bytes], key: str) -> str:
    return values.get(key, b"").decode("ascii", "replace")


def _number(values: dict[str, bytes], key: str, most: int) -> int:
    value = values.get(key, b"")
    return int(value) if value.isdigit() and len(value) < 14 and int(value) <= most else 0


def _uri(value: bytes) -> bytes:
    return b"<" + value + b">" if value else b""


def _lines(file: Careful, path: Path, not_read: NotRead) -> Iterator[bytes]:
    """Lines without their ends; what is longer than any message is left out."""
    rest = b""
    while True:
        try:
            block = file.read(_BLOCK)
        except (OSError, zlib.error):
            not_read[f"the rest of {path.name}, which is cut or damaged"] += 1
            block = b""
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > LONGEST:
            not_read["log lines that are too long"] += 1
            rest = b""
        if not block:
            if rest:
                yield rest
            return
