"""The docs say what is so: pages made from the code are current, and every link and code has its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from sipalg_fix.cli.main import app, run
from sipalg_fix.cli.support import account, account_text, supported
from sipalg_fix.model.change import NEXT
from sipalg_fix.model.errors import CAPTURE_CODES, HOST_CODES, JOURNAL_CODES, PLAN_CODES
from sipalg_fix.wiring import drivers

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


def _verbs(group: typer.core.TyperGroup) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from (f"{name} {verb}" for verb in _verbs(command))
        else:
            yield name


COMMAND = typer.main.get_command(app)
assert isinstance(COMMAND, typer.core.TyperGroup)
VERBS = tuple(_verbs(COMMAND))
"""All there are, in the order of the help."""


def current(page: Path, text: str) -> None:
    """Compare a made page with what it should be; REGENERATE=1 writes it."""
    if os.environ.get("REGENERATE"):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    assert page.read_text() == text, f"{page} is stale: REGENERATE=1 pytest tests/test_docs.py"


def test_commands_page_is_what_help_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/reference/commands.md holds each verb's own help."""
    for name, value in {"COLUMNS": "100", "NO_COLOR": "1", "TERMINAL_WIDTH": "100"}.items():
        monkeypatch.setenv(name, value)
    parts = ["# Commands\n\nMade from `--help`; `-h` after any verb shows the same.\n"]
    for verb in VERBS:
        assert run([*verb.split(), "--help"]) == 0
        told = "\n".join(line.rstrip() for line in capsys.readouterr().out.strip().splitlines())
        parts.append(f"\n## {verb}\n\n```text\n{told}\n```\n")
    current(ROOT / "docs/reference/commands.md", "".join(parts))


def test_platforms_page_is_what_the_drivers_say() -> None:
    """docs/reference/platforms.md is the platforms verb's table, with what is unverified."""
    lines = ["# Platforms\n\nMade from the drivers and the evidence that ships with them.\n"]
    for row in supported(drivers()):
        evidence = ", ".join(f"{count} {origin}" for origin, count in row["evidence"].items()) or "none"
        lines.append(
            f"\n## {row['title']} (`{row['platform']}`)\n\n"
            f"- accesses: {', '.join(row['accesses'])}\n- versions: {', '.join(row['versions'])}\n"
            f"- evidence: {evidence}\n- timed revert: {row['guard']}\n"
            f"- also called: {', '.join(f'`{name}`' for name in row['also_called'])}\n"
        )
        if row["unverified"]:
            lines.append(
                "\nNobody has recorded yet:\n\n" + "".join(f"- {item}\n" for item in row["unverified"])
            )
    current(ROOT / "docs/reference/platforms.md", "".join(lines))


def test_accounts_page_is_what_the_drivers_say() -> None:
    """docs/howto/router-accounts.md holds, for every platform, what the verb ``account`` prints."""
    page = ROOT / "docs/howto/router-accounts.md"
    said = page.read_text().partition("\n## ")[0]
    for driver in drivers().values():
        audit, change = (account_text(account(driver, purpose)) for purpose in ("audit", "change"))
        said += f"\n## {driver.title}\n\n```text\n{audit}```\n"
        if account(driver, "audit")["steps"] != account(driver, "change")["steps"]:
            said += f"\n```text\n{change}```\n"
    current(page, said)


def test_life_of_a_change_is_drawn_from_the_table() -> None:
    """docs/explanation/life-of-a-change.md draws the very table that the engine runs on."""
    edges = "".join(
        f"    {old.value.replace('-', '_')} --> {new.value.replace('-', '_')}\n"
        for old, following in NEXT.items()
        for new in sorted(following, key=lambda state: state.value)
    )
    ends = "".join(
        f"    {old.value.replace('-', '_')} --> [*]\n" for old, following in NEXT.items() if not following
    )
    page = ROOT / "docs/explanation/life-of-a-change.md"
    text = page.read_text()
    drawn = f"```mermaid\nstateDiagram-v2\n    [*] --> planned\n{edges}{ends}```"
    current(page, re.sub(r"```mermaid\n.*?```", lambda _: drawn, text, flags=re.DOTALL))


def test_every_error_code_has_its_page() -> None:
    """Each code a person can meet is explained: what it means, what to do."""
    page = (ROOT / "docs/reference/errors.md").read_text()
    for word, number in {**HOST_CODES, **PLAN_CODES, **JOURNAL_CODES, **CAPTURE_CODES}.items():
        assert re.search(rf"^### {number} {word}$", page, re.MULTILINE), f"{number} {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file of the project."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_stays_short() -> None:
    """A newcomer reads 120 lines at most."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
