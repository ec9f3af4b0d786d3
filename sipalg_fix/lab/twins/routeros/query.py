"""
The query words of the API: which items a ``print`` gives.

Source: the MikroTik manual, page "API", section "Queries". Words push onto a stack that begins as an
endless supply of truths; an item is given if nothing false is left on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sipalg_fix.lab.twins.routeros.box import Row


def matches(row: Row, words: Iterable[str]) -> bool:
    """Does the item pass the query? ``words`` begin with ``?``, and their order matters."""
    stack: list[bool] = []
    for word in words:
        text = word[1:]
        if text.startswith("#"):
            _operate(stack, text[1:])
        elif text.startswith("-"):
            stack.append(text[1:] not in row)
        else:
            stack.append(_holds(row, text))
    return all(stack)


def _holds(row: Row, text: str) -> bool:
    relation = text[0] if text[:1] in ("=", "<", ">") else ""
    name, given, value = text[len(relation) :].partition("=")
    if not given:
        return name in row
    held = row.get(name)
    if held is None:
        return False
    match relation:
        case "<":
            return _less(held, value)
        case ">":
            return _less(value, held)
        case _:
            # Truth reads "true"; clients ask for "yes" as well, and get it.
            spoken = {"yes": "true", "no": "false"} if held in ("true", "false") else {}
            return held == spoken.get(value, value)


def _less(left: str, right: str) -> bool:
    if left.isdecimal() and right.isdecimal():
        return int(left) < int(right)
    return left < right


def _operate(stack: list[bool], operations: str) -> None:
    """``!``, ``&`` and ``|`` work on the top; a number copies that entry, or at the end leaves it alone."""
    last = ""
    for index, sign in re.findall(r"(\d+)|(\D)", operations):
        if index:
            stack.append(_entry(stack, int(index)))
        elif sign == "!":
            stack.append(not _pop(stack))
        elif sign == "&":
            one, two = _pop(stack), _pop(stack)
            stack.append(one and two)
        elif sign == "|":
            one, two = _pop(stack), _pop(stack)
            stack.append(one or two)
        elif sign == "." and not last:
            stack.append(_entry(stack, 0))
        last = index
    if last:
        stack[:] = stack[-1:]


def _pop(stack: list[bool]) -> bool:
    return stack.pop() if stack else True


def _entry(stack: list[bool], index: int) -> bool:
    return stack[-1 - index] if index < len(stack) else True
