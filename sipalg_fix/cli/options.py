"""Options that several verbs share, said once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Inventory = Annotated[
    Path,
    typer.Option(
        "--inventory", "-i", envvar="SIPALG_FIX_INVENTORY", help="hosts.yaml, or the folder it is in."
    ),
]
Limit = Annotated[
    str,
    typer.Option("--limit", "-l", help="Which hosts: names, globs, groups, site=x, platform=x, !not, @file."),
]
PlaybookFile = Annotated[Path | None, typer.Option("--playbook", "-p", help="What shall be true, and how.")]
Forks = Annotated[int | None, typer.Option("--forks", "-f", min=1, max=500, help="Hosts at the same time.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Accept = Annotated[list[str] | None, typer.Option("--accept", help="Accept an objection by its name.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", envvar="SIPALG_FIX_KEY", help="Your SSH key, or its public part where an agent has it."
    ),
]
Principal = Annotated[
    str, typer.Option("--as", help="Your name among the allowed signers, where the key alone does not say.")
]
BootTimeout = Annotated[
    float, typer.Option("--boot-timeout", min=1, help="Seconds a router may take to come back.")
]


class Form(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class ListForm(StrEnum):
    """How a listing without a CSV form is written."""

    TABLE = "table"
    JSON = "json"


class TextForm(StrEnum):
    """How a text is written."""

    TEXT = "text"
    JSON = "json"


class ReportForm(StrEnum):
    """How a run is told."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


Output = Annotated[Form, typer.Option("--output", help="For people, or for machines.")]
ListOutput = Annotated[ListForm, typer.Option("--output", help="For people, or for machines.")]
TextOutput = Annotated[TextForm, typer.Option("--output", help="For people, or for machines.")]
