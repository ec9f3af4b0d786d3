"""The docs say what is so: pages made from the code are current, and every link and code has its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sipalg_fix.cli.support import account, account_text, supported
from sipalg_fix.model.change import NEXT
from sipalg_fix.model.errors import HOST_CODES, JOURNAL_CODES, PLAN_CODES
from sipalg_fix.wiring import drivers

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
VERBS = (
    "audit", "plan", "approve", "apply", "verify", "rollback", "recover", "reboot", "runs", "report",
    "host", "record", "journal verify", "journal export", "journal prune", "journal key", "backup list",
    "backup show", "backup open", "platforms", "account",
    "probe", "responder", "probe-file",
    "doctor", "hostkeys scan", "hostkeys accept", "lab up", "lab down", "lab list",
)  # fmt: skip


def current(page: Path, text: str) -> None:
    """Compare a made page with what it should be; REGENERATE=1 writes it."""
    if os.environ.get("REGENERATE"):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    assert page.read_text() == text, f"{page} is stale: REGENERATE=1 pytest tests/test_docs.py"


def help_of(verb: str) -> str:
    words = [sys.executable, "-m", "sipalg_fix", *verb.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERMINAL_WIDTH": "100"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def test_commands_page_is_what_help_says() -> None:
    """docs/reference/commands.md holds each verb's own help."""
    parts = ["# Commands\n\nMade from `--help`; `-h` after any verb shows the same.\n"]
    parts.extend(f"\n## {verb}\n\n```text\n{help_of(verb)}\n```\n" for verb in VERBS)
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
    for word, number in {**HOST_CODES, **PLAN_CODES, **JOURNAL_CODES}.items():
        assert re.search(rf"^### {number} {word}$", page, re.MULTILINE), f"{number} {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file of the project."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_stays_short() -> None:
    """A newcomer reads 120 lines at most."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
