"""
PHP's values and what its operators make of them (php.net, "Language Reference"), checked against a real PHP.
"""

from __future__ import annotations

import re
from typing import Any, Protocol, TypeAlias


class Object(Protocol):
    """An instance of a class that the box's own PHP defines."""

    def get(self, name: str) -> Value:
        """The property of this name; PhpError if there is none."""

    def call(self, name: str, arguments: list[Value]) -> Value:
        """Call a method; PhpError if there is none."""


Value: TypeAlias = "bool | int | str | dict[Any, Any] | Object | None"
"""PHP's arrays are dictionaries, lists among them."""


class PhpError(Exception):
    """A script that ends here; the message is what PHP prints."""


def truth(value: Value) -> bool:
    """As PHP takes it in a condition: the text ``0`` is false, too."""
    return bool(value) and value != "0"


def text(value: Value) -> str:
    """As PHP prints it."""
    if value is None or value is False:
        return ""
    if isinstance(value, (bool, int, str)):
        return "1" if value is True else str(value)
    return "Array" if isinstance(value, dict) else str(value.call("__toString", []))


def compared(sign: str, left: Value, right: Value) -> Value:
    """Two values and what stands between them."""
    same = type(left) is type(right) and left == right
    match sign:
        case "===":
            return same
        case "!==":
            return not same
        case "==" | "!=":
            alike = (
                same or text(left) == text(right) or (None in (left, right) and truth(left) == truth(right))
            )
            return alike is (sign == "==")
        case ".":
            return text(left) + text(right)
        case _:
            first, second = (int(text(each) or 0) for each in (left, right))
            return {
                "+": first + second,
                "-": first - second,
                "<": first < second,
                ">": first > second,
            }[sign]


def unquoted(token: str) -> str:
    """A text: in double quotes, backslashes mean something."""
    inner = token[1:-1]
    if token[0] == "'":
        return re.sub(r"\\([\\'])", r"\1", inner)
    known = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "$": "$"}
    return re.sub(r"\\(.)", lambda match: known.get(match[1], match[0]), inner)
