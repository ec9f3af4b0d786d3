"""Signed heads: what a chain alone cannot show, and what is done to hide it."""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sipalg_fix.model import journal as words
from sipalg_fix.model.errors import JournalError
from sipalg_fix.model.journal import SignedHead
from sipalg_fix.store.checking import Checked, Checker
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.notary import Notary, genuine
from tests.store.conftest import BY, Clock
from tests.store.test_journal_tampering import unguarded


@pytest.fixture
def notary(path: Path) -> Notary:
    """The key beside the journal."""
    return Notary(path.parent)


@pytest.fixture
def signing(path: Path, clock: Clock, notary: Notary) -> Journal:
    """A journal that signs."""
    return Journal(path, now=clock, by=BY, notary=notary)


def closed(journal: Journal, rows: int = 3) -> str:
    """A run with its end; it has ``rows`` rows between its first and its last two."""
    run = journal.open_run("apply", {"hosts": ["edge-1"]})
    for number in range(rows):
        journal.write(run, "edge-1", "said", {"n": number})
    journal.end_run(run, {"verb": "apply", "summary": {"hosts": 1, "exit_code": 0}})
    return run


def checker(journal: Journal, notary: Notary) -> Checker:
    """As the verb has it."""
    return Checker(journal=journal, keys={notary.public}, remembered=notary.remembered())


def test_a_closed_run_has_a_signed_head(signing: Journal, notary: Notary) -> None:
    """The hash of its end, in the answer, the last row, the table, and the file; and it is genuine."""
    run = signing.open_run("audit", {})
    end = signing.end_run(run, {"summary": {}})
    row, last = signing.rows(run)[-2:]
    signed = end.signed
    assert signed is not None
    assert (row, row.step) == (end.row, words.RUN_ENDED)
    assert (signed.run, signed.seq, signed.head) == (run, row.seq, row.hash)
    assert (last.step, SignedHead(**last.payload)) == (words.SIGNED, signed)
    assert notary.remembered() == (signed,)
    assert checker(signing, notary).heads(run) == (signed,)
    assert genuine(signed)
    assert signed.key == notary.public
    assert list(checker(signing, notary).all()) == [Checked(run=run, result="whole")]


def test_what_is_signed_is_what_the_page_says(signing: Journal) -> None:
    """Anybody can check it: text, zero byte, JSON list."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed = signing.end_run(signing.open_run("audit", {}), {}).signed
    assert signed is not None
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.key.removeprefix("ed25519:")))
    listed = json.dumps([signed.run, signed.seq, signed.head], separators=(",", ":"))
    public.verify(base64.b64decode(signed.signature), b"sipalg-fix-journal-head\0" + listed.encode())


@pytest.mark.parametrize(
    "change", [{"run": "x"}, {"seq": 9}, {"head": "sha256:0"}, {"key": "ed25519:AA=="}, {"signature": "AA=="}]
)
def test_a_head_with_anything_changed_is_not_genuine(signing: Journal, change: dict[str, object]) -> None:
    """Each part of it is covered."""
    signed = signing.end_run(signing.open_run("audit", {}), {}).signed
    assert signed is not None
    assert not genuine(replace(signed, **change))  # type: ignore[arg-type]  # a field and a value of its type


def test_the_key_is_its_owners_and_made_once(notary: Notary) -> None:
    """Mode 0600; another program finds the same."""
    public = notary.public
    assert stat.S_IMODE(notary.key_file.stat().st_mode) == 0o600
    assert Notary(notary.folder).public == public
    assert [file.name for file in notary.folder.iterdir()] == ["journal.key"]
    assert b"PRIVATE" in notary.key_file.read_bytes()
    assert "PRIVATE" not in repr(notary)


@pytest.mark.parametrize("content", [b"", b"not a key", None])
def test_no_run_begins_that_could_not_be_closed(
    signing: Journal, notary: Notary, content: bytes | None
) -> None:
    """A key that cannot be used is told before anything is done."""
    notary.key_file.mkdir(parents=True) if content is None else notary.key_file.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        signing.open_run("audit", {})
    assert caught.value.code == "journal-key"
    assert signing.runs() == ()


TAMPERING: dict[str, tuple[str, str]] = {
    "a changed row": ("UPDATE journal SET payload = '{}' WHERE seq = 3", "row-changed"),
    "a row without a payload": ("UPDATE journal SET payload = '' WHERE seq = 3", "row-changed"),
    "a missing row": ("DELETE FROM journal WHERE seq = 3", "row-missing"),
    "a missing first row": ("DELETE FROM journal WHERE seq = 1", "row-missing"),
    "a missing last row": ("DELETE FROM journal WHERE seq = 6", "rows-truncated"),
    "the end cut off": ("DELETE FROM journal WHERE seq >= 5", "rows-truncated"),
    "all rows gone": ("DELETE FROM journal", "rows-truncated"),
    "the run gone from the list": ("DELETE FROM runs WHERE number = 1", "run-missing"),
    "its head gone": ("DELETE FROM heads", "head-changed"),
    "its head changed": ("UPDATE heads SET head = 'sha256:0'", "head-changed"),
    "its head of another row": ("UPDATE heads SET seq = 3", "head-changed"),
}


@pytest.mark.parametrize(("statement", "code"), TAMPERING.values(), ids=TAMPERING.keys())
@pytest.mark.parametrize("file", [True, False], ids=["with the file of heads", "without it"])
def test_tampering_shows(
    signing: Journal, notary: Notary, path: Path, statement: str, code: str, file: bool
) -> None:
    """Each with its own code, by the database alone and with what was kept beside it."""
    run = closed(signing)
    closed(signing)
    if not file:
        notary.heads_file.unlink()
    extra = f"{' AND' if 'WHERE' in statement else ' WHERE'} run = '{run}'"
    unguarded(path, statement + extra)
    found = {checked.result for checked in checker(signing, notary).all()}
    assert found == {"whole", code}


def test_a_head_that_was_only_kept_beside_the_database_is_missed(
    signing: Journal, notary: Notary, path: Path
) -> None:
    """Rows and head of the last run, cut off in the database: the file of heads knows better."""
    run = closed(signing)
    for statement in (
        "DELETE FROM heads", "DELETE FROM journal WHERE seq >= 5", "DELETE FROM runs WHERE number = 9"
    ):  # fmt: skip
        unguarded(path, statement)
    assert checker(signing, notary).run(run).result == "head-changed"
    notary.heads_file.unlink()
    assert checker(signing, notary).run(run).result == "open"


def test_a_journal_put_back_to_an_older_copy_lacks_runs(
    signing: Journal, notary: Notary, path: Path, clock: Clock
) -> None:
    """The runs since are named."""
    first = closed(signing)
    copy = path.with_name("copy.db")
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    later = closed(signing)
    old = Journal(copy, now=clock, by=BY)
    found = list(checker(old, notary).all())
    assert [(one.run, one.result) for one in found] == [(first, "whole"), (later, "run-missing")]
    old.close()


def test_a_new_history_needs_the_key(signing: Journal, notary: Notary, path: Path, tmp_path: Path) -> None:
    """Whoever writes a whole new chain and signs it with a key of their own is not believed."""
    run = closed(signing)
    forger = Notary(tmp_path / "forger")
    row = signing.rows(run)[-2]
    forged = forger.sign(run, row.seq, row.hash)
    notary.heads_file.unlink()
    for statement, values in (
        ("UPDATE heads SET key = ?, signature = ?", (forged.key, forged.signature)),
        ("DELETE FROM journal WHERE step = 'signed'", ()),
    ):
        unguarded(path, statement, values)
    assert checker(signing, notary).run(run).result == "rows-truncated"
    other = closed(Journal(path, now=Clock(), by=BY, notary=forger))
    found = checker(signing, notary).run(other)
    assert found.result == "unknown-key"
    assert forger.public in found.detail
    assert not found.broken


def test_what_is_open_or_was_never_signed_is_not_called_whole(
    signing: Journal, notary: Notary, opened: Callable[[], Journal]
) -> None:
    """Nothing shows that it is all there."""
    cut = signing.open_run("apply", {})
    unsigned = closed(opened())
    found = {one.run: one for one in checker(signing, notary).all()}
    assert (found[cut].result, found[unsigned].result) == ("open", "unsigned")
    assert not any(one.broken for one in found.values())


def test_a_report_is_a_head_kept_elsewhere(signing: Journal, notary: Notary, path: Path) -> None:
    """Of a run without a signature, too."""
    run = closed(signing)
    head = signing.rows(run)[-2].hash
    assert checker(signing, notary).run(run, reported=head).result == "whole"
    assert checker(signing, notary).run(run, reported="sha256:0").result == "rows-truncated"
    cut = signing.open_run("apply", {})
    last = signing.write(cut, "a", "state", {}).hash
    unguarded(path, "DELETE FROM journal WHERE run = ? AND seq = 2", (cut,))
    assert checker(signing, notary).run(cut).result == "open"
    assert checker(signing, notary).run(cut, reported=last).result == "rows-truncated"


@pytest.mark.parametrize("line", ["{", "[]", '{"run": 1}'])
def test_a_file_of_heads_that_was_changed_is_told(signing: Journal, notary: Notary, line: str) -> None:
    """It is not passed over."""
    closed(signing)
    notary.heads_file.write_text(line + "\n")
    with pytest.raises(JournalError) as caught:
        notary.remembered()
    assert caught.value.code == "head-changed"


HEADS_ONLY_GROW = {
    "change": "UPDATE heads SET head = 'x'",
    "take away": "DELETE FROM heads",
    "replace": "INSERT OR REPLACE INTO heads SELECT run, seq, 'x', key, signature FROM heads",
}


@pytest.mark.parametrize("statement", HEADS_ONLY_GROW.values(), ids=HEADS_ONLY_GROW.keys())
def test_the_database_refuses_to_change_heads(signing: Journal, path: Path, statement: str) -> None:
    """As it does for rows."""
    closed(signing)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="the journal is append-only"):
        connection.execute(statement)
    connection.close()
