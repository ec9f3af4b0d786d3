"""Everything that can be wrong in an operator's file is told in plain words, where it is, all at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from stock_inventories import PLATFORMS

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.inventory import read_inventory
from sipalg_fix.inputs.playbook import read_playbook
from sipalg_fix.inputs.selection import select
from sipalg_fix.inputs.strict_yaml import MAX_BYTES
from sipalg_fix.model.errors import InputError

BROKEN = Path(__file__).parent / "broken"
CASES = sorted(path for path in BROKEN.iterdir() if path.is_dir())
SOURCES = Path(codes.__file__).parent
ERRORS_PAGE = SOURCES.parents[1] / "docs" / "reference" / "errors.md"


def said_of(case: Path) -> str:
    """What is said of a case, with paths as from its own folder: the errors, or else the warnings."""
    os.chdir(case)
    try:
        if (case / "playbook.yaml").exists():
            read_playbook("playbook.yaml")
            return "nothing\n"
        inventory = read_inventory(".", PLATFORMS)
        if (case / "pattern.txt").exists():
            select(inventory.hosts, Path("pattern.txt").read_text().strip(), where=("pattern.txt", 1))
        return "".join(f"warning: {warning}\n" for warning in inventory.warnings) or "nothing\n"
    except InputError as error:
        return f"{error}\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_told_to_the_letter(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each broken file gives the text beside it, and never the password in it."""
    monkeypatch.chdir(case)
    folder = case
    if case.name == "too_large":  # not kept: it is made of nothing
        folder = tmp_path
        with (tmp_path / "hosts.yaml").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
    said = said_of(folder)
    golden = case / "expected.txt"
    if os.environ.get("REGENERATE"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8"), "stale? REGENERATE=1 pytest tests/inputs"
    assert "CANARY" not in said
    assert "pydantic" not in said
    assert said != "nothing\n"


def expected_codes(case: Path) -> list[str]:
    """The codes in a case's golden text."""
    return re.findall(
        r"^\S.*?:\d+: (E\d{3}) ", (case / "expected.txt").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_every_code_has_a_broken_file() -> None:
    """No code is without a file that shows it, and no file shows an unlisted one."""
    shown = {code for case in CASES for code in expected_codes(case)}
    assert shown == set(codes.TITLES)


def test_there_are_many_rules_and_many_at_once() -> None:
    """At least thirty different rules, and at least five files with three errors or more."""
    assert len({tuple(sorted(set(expected_codes(case)))) for case in CASES}) >= 30
    assert sum(len(expected_codes(case)) >= 3 for case in CASES) >= 5


def test_every_code_is_explained() -> None:
    """The docs page has a section for each code, with its title, its cause and its cure."""
    page = ERRORS_PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (E[12]\d\d [^\n]+)\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == [f"{code} {title}" for code, title in codes.TITLES.items()]
    for title, text in sections.items():
        assert "**Cause.**" in text, title
        assert "**Cure.**" in text, title


def test_codes_stand_in_one_place() -> None:
    """Code refers to codes by name, so that the list is the whole of them."""
    for module in SOURCES.glob("*.py"):
        if module.name != "codes.py":
            assert not re.search(r"\"E[12]\d\d\"", module.read_text(encoding="utf-8")), module.name
