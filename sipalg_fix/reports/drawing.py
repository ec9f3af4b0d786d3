"""How rich draws into a string: its width and colours are given, and nothing is asked of a terminal."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

LEAST: Final = 40
"""Columns below which nothing is squeezed further."""

NARROWEST: Final = 5
"""The same for one column of a table."""

GAP: Final = 2
"""Blanks between two columns."""

Cells = Sequence[Sequence[Text]]


def draw(parts: Sequence[RenderableType], *, color: bool, width: int) -> str:
    """The parts below each other, with no blanks at line ends. All wraps but what is marked not to."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(width, LEAST),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def table(headings: Sequence[str], rows: Cells, *, width: int, keep: Collection[int] = ()) -> Table:
    """
    A table not wider than the screen. Cells wrap; those of the columns ``keep`` only where there is no
    other way. Without headings there is no head.
    """
    head = [[Text(heading) for heading in headings]] if any(headings) else []
    widths = fitting(natural([*head, *rows]), max(width, LEAST), keep)
    drawn = Table(
        box=box.SIMPLE_HEAD if head else None,
        show_header=bool(head),
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1, 0, 0) if head else (0, GAP, 0, 0),
    )
    for heading, column_width in zip(headings, widths, strict=True):
        drawn.add_column(heading, width=column_width, overflow="fold", vertical="top")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def natural(rows: Cells) -> list[int]:
    """How wide each column wants to be."""
    return [
        max(cell_len(line) for cell in column for line in cell.plain.split("\n"))
        for column in zip(*rows, strict=True)
    ]


def fitting(widths: Sequence[int], width: int, keep: Collection[int] = ()) -> list[int]:
    """These widths, the widest made narrower until all fit beside each other."""
    fitted = list(widths)
    room = width - GAP * (len(fitted) - 1)
    for allowed in ([n for n in range(len(fitted)) if n not in keep], range(len(fitted))):
        while sum(fitted) > room and any(fitted[n] > NARROWEST for n in allowed):
            fitted[max(allowed, key=fitted.__getitem__)] -= 1
    return fitted
