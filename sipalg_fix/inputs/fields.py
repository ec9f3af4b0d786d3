"""
What a value must look like: one check for each kind of field, each with the words of its refusal.

Checks are handed to pydantic as validators. They take texts, because the YAML reader gives texts only,
and pass on values that are already of the right type. A refusal carries its code as pydantic's error
type; it never quotes what may be a secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Any, Final, LiteralString

from pydantic import SecretStr
from pydantic_core import PydanticCustomError

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.words import did_you_mean, listed, shown

YES: Final = frozenset({"true", "yes", "on"})
NO: Final = frozenset({"false", "no", "off"})
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 1000
SCHEMES: Final = ("env", "file", "ask", "plain")
LATER_SCHEMES: Final = ("keyring", "vault", "sops", "age", "cmd", "inventory")
"""References of other tools, or of later versions: refused by name, so that none is sent as a password."""


def refusal(code: LiteralString, message: str) -> PydanticCustomError:
    """What a validator raises, for :func:`sipalg_fix.inputs.refusals.problems_of` to translate."""
    return PydanticCustomError(code, "{text}", {"text": message})


def switch(code: LiteralString) -> Callable[[object], object]:
    """``true``, ``yes``, ``on`` and their opposites, in any case, as a boolean."""

    def read(value: object) -> object:
        if isinstance(value, bool):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if word not in YES | NO:
            raise refusal(code, f"must be true or false, not {_seen(value)}")
        return word in YES

    return read


def whole(code: LiteralString, least: int, most: int) -> Callable[[object], object]:
    """A whole number within these bounds; ``010`` and ``1e3`` are texts, not numbers."""

    def read(value: object) -> object:
        number = value
        if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
            number = int(value)
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise refusal(code, f"must be a whole number from {least} to {most}, not {_seen(value)}")
        return number

    return read


def seconds(code: LiteralString, most: int) -> Callable[[object], object]:
    """A time in seconds, fractions allowed, more than none."""

    def read(value: object) -> object:
        number = value
        if isinstance(value, str) and re.fullmatch(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?", value):
            number = float(value)
        if not isinstance(number, int | float) or isinstance(number, bool) or not 0 < number <= most:
            raise refusal(code, f"must be a number of seconds up to {most}, not {_seen(value)}")
        return float(number)

    return read


def choice(code: LiteralString, kind: type[Enum]) -> Callable[[object], object]:
    """One of an enum's values; where ``off`` is one, ``no`` and ``false`` are it too."""
    words = [str(member.value) for member in kind]

    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        if "off" in words and (value is False or str(value).lower() in NO):
            value = "off"
        if value not in words:
            raise refusal(code, f"must be one of {listed(words)}, not {_seen(value)}")
        return kind(value)

    return read


def line_of_text(code: LiteralString) -> Callable[[str], str]:
    """One printable line, not blank: nothing that could steer a terminal or break a report."""

    def read(value: str) -> str:
        if not value.strip():
            raise refusal(code, "is blank")
        if len(value) > LONGEST_TEXT:
            raise refusal(code, f"is longer than {LONGEST_TEXT} characters")
        if not value.isprintable():
            raise refusal(code, "holds a control character or line break: remove it")
        return value

    return read


def iso_date(code: LiteralString) -> Callable[[str], str]:
    """A day, ``2027-01-31``."""

    def read(value: str) -> str:
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise refusal(code, f"must be a date such as 2027-01-31, not {_seen(value)}")

    return read


def _seen(value: object) -> str:
    """A value that is no secret, for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return shown(value)
    return "a list or mapping" if isinstance(value, list | dict) else shown(str(value))


def name(value: str) -> str:
    """
    The name of a host, group or site.

    Names become parts of file names and of selection patterns, so what means something there is refused.
    """
    if wrong := wrong_with_name(value):
        raise refusal(codes.BAD_NAME, f"the name {shown(value)} {wrong}")
    return value


def wrong_with_name(value: str) -> str:
    """What is wrong with a name, in words that follow it; empty when nothing is."""
    if not value:
        return "is empty"
    if len(value) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if value != value.strip() or not value.isprintable():
        return "holds a control character, or blanks at an end: remove them"
    if bad := re.search(r"[/\\,:*?\[\]=]", value):
        return f"holds {bad[0]!r}, which means something in selection patterns or file names: use '-' or '.'"
    if value[0] in "!&@" or value in (".", "..", "all"):
        return "means something in selection patterns or file names: choose another"
    return ""


def address(value: object) -> object:
    """
    An IP address (IPv6 with or without brackets and zone) or a DNS name, without brackets.

    ``[2001:db8::1]`` without quotes is a list in YAML; it is read as what it was meant to be.
    """
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) and ":" in value[0]:
        value = value[0]
    if not isinstance(value, str):
        return value
    text = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if wrong := _wrong_with_address(text):
        raise refusal(codes.BAD_ADDRESS, f"{shown(value)} {wrong}")
    return text


def _wrong_with_address(text: str) -> str:
    if "//" in text:
        return "is a URL: give the address alone, and the port under 'port'"
    if re.fullmatch(r"[^:]+:[0-9]+|\[.*\]:[0-9]+", text):
        return "holds a port: put it under 'port'"
    if ":" in text or re.fullmatch(r"[0-9.]+", text):
        return _wrong_with_ip(text)
    label = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
    if len(text) > 253 or not re.fullmatch(rf"{label}(\.{label})*\.?", text):
        return "is neither an IP address nor a DNS name"
    return ""


def _wrong_with_ip(text: str) -> str:
    version = "6" if ":" in text else "4"
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return f"is not an IPv{version} address"
    if isinstance(ip, ipaddress.IPv6Address) and ip.scope_id and not re.fullmatch(r"[\w.-]+", ip.scope_id):
        return "has a zone ('%') that is no interface name"
    if ip.is_unspecified or ip.is_multicast or text == "255.255.255.255":
        return "is no single host's address"
    return ""


def pin(value: str) -> str:
    """``sha256:`` and 64 hex digits, in lower case; colons between bytes, as openssl prints, may stay."""
    digits = value.removeprefix("sha256:").replace(":", "").lower()
    if not value.startswith("sha256:") or not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise refusal(
            codes.BAD_PIN,
            "must be 'sha256:' and the 64 hex digits of the certificate's fingerprint "
            "('openssl x509 -noout -fingerprint -sha256' prints them)",
        )
    return f"sha256:{digits}"


def secret(value: SecretStr) -> SecretStr:
    """A reference, or the secret itself; nothing of it is quoted, whatever it looks like."""
    scheme, colon, place = value.get_secret_value().partition(":")
    wrong = ""
    if not value.get_secret_value().isprintable():
        raise refusal(codes.BAD_REFERENCE, "holds a control character or line break: write it on one line")
    if scheme == "env" and colon and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", place):
        wrong = "'env:' takes the name of an environment variable: letters, digits and '_'"
    elif scheme in ("file", "ask") and colon and (not place.strip() or not place.isprintable()):
        wrong = f"'{scheme}:' takes {'a path' if scheme == 'file' else 'the words to ask with'}"
    elif scheme in LATER_SCHEMES and colon:
        wrong = f"'{scheme}:' is not supported; there are env:NAME, file:PATH and ask"
    elif scheme.lower() not in SCHEMES and colon and did_you_mean(scheme, SCHEMES):
        wrong = "looks like a misspelt reference; there are env:NAME, file:PATH and ask"
    elif scheme.lower() in SCHEMES and scheme not in SCHEMES and colon:
        wrong = f"'{scheme.lower()}:' is written in lower case"
    if wrong:
        raise refusal(codes.BAD_REFERENCE, f"{wrong} (a password that begins so is written 'plain:…')")
    return value


def is_reference(value: str) -> bool:
    """Does this secret stand elsewhere?"""
    return value == "ask" or value.startswith(("env:", "file:", "ask:"))


def user_name(value: str) -> str:
    """A login name; references are for secrets only."""
    if is_reference(value):
        raise refusal(
            codes.BAD_REFERENCE, "a user name cannot be a reference; only passwords and secrets can"
        )
    return line_of_text(codes.BAD_VALUE)(value)


def data(value: dict[str, Any]) -> dict[str, Any]:
    """The operator's own words: any shape, but printable, because reports show them."""
    _printable(value, ())
    return value


def _printable(value: Any, path: tuple[str, ...]) -> None:
    match value:
        case str() if not value.replace("\n", "").replace("\t", "").isprintable():
            raise refusal(codes.BAD_VALUE, f"{shown('.'.join(path))} holds a control character: remove it")
        case dict():
            for key, item in value.items():
                _printable(key, (*path, key))
                _printable(item, (*path, key))
        case list():
            for item in value:
                _printable(item, path)
        case _:
            pass
