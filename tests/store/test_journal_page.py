"""The page on the journal says what is so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sipalg_fix.model import errors
from sipalg_fix.model import journal as words
from sipalg_fix.store.journal import Journal

PAGE = (Path(__file__).parents[2] / "docs/reference/journal.md").read_text()


def test_the_page_has_a_program_that_checks_a_run(journal: Journal, path: Path, tmp_path: Path) -> None:
    """It needs nothing of ours, prints the head, and finds a row that does not fit."""
    program = PAGE.partition("```python\n")[2].partition("```")[0]
    run = journal.open_run("audit", {"hosts": ["zürich-1"], "factor": 0.5})
    last = journal.write(run, "zürich-1", "looked", {"b": [1, None], "a": "\x1b[0m"})
    (tmp_path / "check.py").write_text(program)

    def check() -> subprocess.CompletedProcess[str]:
        words_ = [sys.executable, str(tmp_path / "check.py"), str(path), run]
        return subprocess.run(words_, check=False, capture_output=True, text=True)

    assert check().stdout == f"{last.hash}\n"
    with journal._database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER journal_no_update")
        connection.exec_driver_sql("UPDATE journal SET payload = '{}' WHERE seq = 2")
    found = check()
    assert (found.returncode, found.stderr) == (1, "row 2 does not fit\n")


def test_the_page_names_each_step_and_each_code() -> None:
    """Rows of its tables, and no others."""
    names = {name for name in vars(words) if name.isupper()} - {"START", "RUN_LEASE", "PAIR_LEASE"}
    steps = {getattr(words, name) for name in names}
    table = PAGE.partition("| step | written |")[2].partition("\n\n")[0]
    assert steps == {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    for word, number in errors.JOURNAL_CODES.items():
        assert f"| {number} | `{word}` |" in PAGE
