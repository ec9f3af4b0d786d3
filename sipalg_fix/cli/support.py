"""Support: what is known of each platform and how well, and what several verbs need of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from sipalg_fix.model.driver import BLANKS, Driver


def text_of(file: Path) -> str:
    """A file that was named on the command line."""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file}: {getattr(error, 'strerror', None) or 'not a text file'}") from None


def supported(drivers: Mapping[str, Driver]) -> list[dict[str, Any]]:
    """One row a platform, sorted by name."""
    return [_row(drivers[name]) for name in sorted(drivers)]


def _row(driver: Driver) -> dict[str, Any]:
    guard = driver.guard
    return {
        "platform": driver.platform,
        "title": driver.title,
        "accesses": [f"{name} ({type(access).__name__})" for name, access in driver.accesses.items()],
        "versions": list(driver.support.versions),
        "evidence": dict(sorted(_origins(driver.platform).items())),
        "guard": f"{guard.name} (fires: {guard.fires.value})" if guard else "none",
        "also_called": list(driver.aliases),
        "unverified": list(driver.support.unverified),
    }


def account(driver: Driver, purpose: str) -> dict[str, Any]:
    """How a router account with just the rights needed is made, step by step."""
    lines = (driver.support.account or {})[purpose]
    steps = [
        {"kind": "words", "text": line.removeprefix("# ")}
        if line.startswith("# ")
        else {"kind": "command", "text": line}
        for line in lines
    ]
    blanks = {blank: words for blank, words in BLANKS.items() if any(blank in line for line in lines)}
    return {
        "schema": "sipalg-fix/account/1",
        "platform": driver.platform,
        "title": driver.title,
        "for": purpose,
        "fill_in": blanks,
        "steps": steps,
    }


def account_text(made: dict[str, Any]) -> str:
    """The same for people: what is for reading begins with ``# ``, all else is typed."""
    lines = [f"# {made['title']}: an account for {made['for']}"]
    lines += [f"# {blank}: {words}" for blank, words in made["fill_in"].items()]
    lines += [f"{'# ' if step['kind'] == 'words' else ''}{step['text']}" for step in made["steps"]]
    return "\n".join(lines) + "\n"


def _origins(platform: str) -> Counter[str]:
    """How many transcripts of each origin: recorded, documentation, derived, synthetic."""
    folder = files("sipalg_fix") / "evidence" / platform
    found: Counter[str] = Counter()
    if folder.is_dir():
        for file in folder.iterdir():
            if file.name.endswith(".transcript"):
                first = file.read_text().partition("\n")[0]
                found[first.removeprefix("origin: ").partition(" ")[0].rstrip(";,")] += 1
    return found
