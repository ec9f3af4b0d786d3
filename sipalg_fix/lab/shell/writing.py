"""``echo`` and ``printf``."""

from __future__ import annotations

import re

from sipalg_fix.lab.shell.arguments import Usage
from sipalg_fix.lab.shell.run import Call

_ESCAPE = re.compile(r"\\(?:([abefnrtv\\])|0?([0-7]{1,3})|x([0-9A-Fa-f]{1,2}))")
_PLAIN = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_CONVERSION = re.compile(r"%(?:%|([-+ 0#]*)(\*|[0-9]*)(?:\.([0-9]*))?([a-zA-Z]))")


def unescaped(text: str) -> str:
    r"""The text with ``\n``, ``\t``, ``\0101`` and their like replaced."""

    def one(found: re.Match[str]) -> str:
        letter, octal, hexadecimal = found.groups()
        if letter:
            return _PLAIN[letter]
        return chr(int(octal, 8) & 255) if octal else chr(int(hexadecimal, 16))

    return _ESCAPE.sub(one, text)


def echo(call: Call) -> int:
    """dash takes only ``-n`` and always takes escapes; bash and BusyBox need ``-e`` for them."""
    words = call.arguments[1:]
    newline, escapes = "\n", call.process.dialect.echo_escapes
    known = r"-n" if escapes else r"-[neE]+"
    while words and re.fullmatch(known, words[0]):
        option = words.pop(0)
        newline = "" if "n" in option else newline
        escapes = escapes or "e" in option
        if call.process.dialect.echo_escapes:
            break
    text = " ".join(words)
    if escapes:
        text, stop, _ = text.partition(r"\c")
        text, newline = unescaped(text), "" if stop else newline
    call.out(text + newline)
    return 0


def printf(call: Call) -> int:
    """The format is used again as long as there are arguments."""
    if len(call.arguments) < 2:
        raise Usage("a format is needed", 2)
    rest = call.arguments[1:]
    if rest[0] == "--":
        rest.pop(0)
    form, arguments = rest[0], rest[1:]
    status = 0
    while True:
        before = len(arguments)
        text, failed = _formatted(call, form, arguments)
        call.out(text)
        status = status or failed
        if not arguments or len(arguments) == before:
            return status


def _formatted(call: Call, form: str, arguments: list[str]) -> tuple[str, int]:
    out, at, status = "", 0, 0
    for found in _CONVERSION.finditer(form):
        out += unescaped(form[at : found.start()])
        at = found.end()
        if found.group() == "%%":
            out += "%"
            continue
        flags, width, precision, letter = found.groups()
        width = (arguments.pop(0) if arguments else "0") if width == "*" else width
        value = arguments.pop(0) if arguments else ""
        spec = f"%{flags}{width}" + ("" if precision is None else f".{precision or 0}")
        if letter in "sb":
            out += (spec + "s") % (unescaped(value) if letter == "b" else value)
        elif letter == "c":
            out += (spec + "s") % value[:1]
        elif letter in "diouxX":
            number, wrong = _number(call, value)
            out += (spec + letter.replace("i", "d").replace("u", "d")) % number
            status = status or wrong
        else:
            raise Usage(f"%{letter}: invalid directive", 2)
    return out + unescaped(form[at:]), status


def _number(call: Call, value: str) -> tuple[int, int]:
    if value[:1] in ("'", '"') and len(value) > 1:
        return ord(value[1]), 0
    try:
        return int(value or "0", 8 if re.fullmatch(r"-?0[0-7]+", value) else 0), 0
    except ValueError:
        template = call.process.dialect.variable
        call.process.complain(template, what=f"printf: {value}: expected numeric value")
        leading = re.match(r"-?[0-9]+", value)
        return int(leading.group()) if leading else 0, 1
