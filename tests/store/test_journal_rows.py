"""What is written into a journal, and what is read from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.engine import ports
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Plane, on
from sipalg_fix.model.journal import START, Row, RunLine, row_hash
from sipalg_fix.store.journal import PART, Journal


def test_a_run_begins_with_a_row_that_says_what_it_is_about(journal: Journal) -> None:
    """The first row holds verb, payload, who and when, and is chained to the start of all chains."""
    port: ports.Journal = journal
    run = port.open_run("audit", {"hosts": ["edge-1"], "inventory": "inventory/"})
    assert re.fullmatch(r"20261123-1015\d\d-audit-[0-9a-f]{4}", run)
    (row,) = port.rows(run)
    expected = {
        "run": run,
        "host": "",
        "seq": 1,
        "at": "2026-11-23T10:15:01Z",
        "by": "anna@noc-1",
        "step": "run-started",
        "payload": {"hosts": ["edge-1"], "inventory": "inventory/", "verb": "audit"},
        "prev": START,
    }
    assert row == Row(**expected, hash=row_hash(**expected))  # type: ignore[arg-type]  # a dict of its fields


def test_the_row_that_write_gives_is_the_row_that_is_read(journal: Journal) -> None:
    """Values of ours become plain JSON on the way in, and the answer shows it already."""
    run = journal.open_run("audit", {})
    row = journal.write(run, "edge-1", "looked", {"plane": on("nf_nat_sip 8853 0"), "seen": (1, 2)})
    assert row.payload == {
        "plane": {"value": "on", "evidence": ["nf_nat_sip 8853 0"], "reason": ""},
        "seen": [1, 2],
    }
    assert journal.rows(run)[-1] == row
    assert isinstance(on(), Plane)


def test_rows_are_those_of_one_run_or_of_one_host_in_it(journal: Journal) -> None:
    """Each run has its own chain, numbered from 1; another run's rows are not in it."""
    one, two = journal.open_run("audit", {}), journal.open_run("apply", {})
    for run, host in ((one, "a"), (two, "a"), (one, "b"), (two, "b"), (one, "a")):
        journal.write(run, host, "looked", {})
    assert [(row.seq, row.host) for row in journal.rows(one)] == [(1, ""), (2, "a"), (3, "b"), (4, "a")]
    assert [(row.seq, row.host) for row in journal.rows(two, "b")] == [(3, "b")]
    assert journal.rows("20200101-000000-audit-0000") == ()
    assert journal.check(one) == ""
    assert journal.check(two) == ""


def test_a_long_run_is_read_in_parts_without_a_seam(journal: Journal) -> None:
    """More rows than are in memory at once: all of them, in order, and one whole chain."""
    run = journal.open_run("audit", {})
    for number in range(PART + 7):
        journal.write(run, "edge-1", "looked", {"number": number})
    assert [row.payload["number"] for row in journal.rows(run, "edge-1")] == list(range(PART + 7))
    assert journal.check(run) == ""


def test_nothing_is_written_into_a_run_that_never_began(journal: Journal) -> None:
    """A row without its run's first row would be a chain without a beginning."""
    with pytest.raises(PlanError, match="holds no run '20200101-000000-audit-0000'") as caught:
        journal.write("20200101-000000-audit-0000", "edge-1", "looked", {})
    assert caught.value.code == "run-unknown"


def test_runs_are_listed_newest_first_with_how_they_ended(journal: Journal) -> None:
    """A run that did not end has no exit code: it is under way, or was cut short."""
    audit = journal.open_run("audit", {"hosts": ["a", "b", "c"]})
    journal.write(audit, "a", "looked", {"verdict": "compliant"})
    ended = journal.write(audit, "", "run-ended", {"verb": "audit", "summary": {"hosts": 3, "exit_code": 2}})
    cut = journal.open_run("apply", {"hosts": ["a"]})
    assert journal.runs() == (
        RunLine(
            run=cut, verb="apply", started=journal.rows(cut)[0].at, ended="", by="anna@noc-1", hosts=1,
            exit_code=None,
        ),
        RunLine(
            run=audit, verb="audit", started=journal.rows(audit)[0].at, ended=ended.at, by="anna@noc-1",
            hosts=3, exit_code=2,
        ),
    )  # fmt: skip
    assert [line.run for line in journal.runs(limit=1)] == [cut]


def test_the_last_run_is_the_one_that_began_last_whatever_the_clock_says(path: Path) -> None:
    """Clocks stand still and step back; the order of the runs does not."""
    times = iter(["2026-11-23T10:00:05Z"] * 4 + ["2026-11-23T09:00:00Z"] * 2)
    journal = Journal(path, now=lambda: next(times), by="anna@noc-1")
    runs = [journal.open_run(verb, {}) for verb in ("verify", "audit", "audit")]
    assert runs[2].startswith("20261123-090000-audit-")
    assert [line.run for line in journal.runs()] == runs[::-1]
    assert journal.find_run("last") == runs[2]
    journal.close()


def test_a_run_is_found_by_the_beginning_of_its_name(journal: Journal) -> None:
    """A beginning that fits several runs names them, and none is guessed."""
    first, second = journal.open_run("audit", {}), journal.open_run("audit", {})
    assert journal.find_run(first) == first
    assert journal.find_run(second[: len("20261123-101502")]) == second
    assert journal.find_run("last") == second
    with pytest.raises(PlanError, match=f"may mean several runs: {second}, {first}") as caught:
        journal.find_run("20261123")
    assert caught.value.code == "run-unknown"
    for nothing in ("2025", "%", "2026112_", "audit"):
        with pytest.raises(PlanError, match="holds no run that begins with"):
            journal.find_run(nothing)
    with pytest.raises(PlanError, match="may mean several runs"):
        journal.find_run("")


def test_a_new_journal_has_no_last_run(journal: Journal) -> None:
    """The answer is a sentence, and the list is empty."""
    assert journal.runs() == ()
    with pytest.raises(PlanError, match="holds no run yet"):
        journal.find_run("last")


def test_a_host_is_followed_across_runs(journal: Journal) -> None:
    """Oldest first, and of many rows the newest."""
    one, two = journal.open_run("audit", {}), journal.open_run("apply", {})
    written = [
        journal.write(one, "edge-1", "looked", {}),
        journal.write(one, "edge-2", "looked", {}),
        journal.write(two, "edge-1", "sending", {"command": "commit"}),
        journal.write(two, "edge-1", "replied", {"status": "ok"}),
    ]
    mine = tuple(row for row in written if row.host == "edge-1")
    assert journal.host_rows("edge-1") == mine
    assert journal.host_rows("edge-1", limit=2) == mine[1:]
    assert journal.host_rows("edge-9") == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """One journal for many runs."""
    path = tmp_path_factory.mktemp("journal") / "j.db"
    journal = Journal(path, now=lambda: "2026-11-23T10:15:00Z", by="anna@noc-1")
    yield journal
    journal.close()


@settings(max_examples=50, deadline=None)
@given(
    payload=st.dictionaries(st.text(st.characters(codec="utf-8")), JSON),
    host=st.text("ab%_'é\x00", max_size=5),
)
def test_any_json_comes_back_as_it_went_in(shared: Journal, payload: dict[str, object], host: str) -> None:
    """Numbers, control characters and all: the payload is the same, and the chain is whole."""
    run = shared.open_run("audit", payload)
    row = shared.write(run, host, "looked", payload)
    assert row.payload == payload
    assert shared.rows(run)[1] == row
    assert shared.rows(run)[0].payload == {**payload, "verb": "audit"}
    assert shared.check(run, head=row.hash) == ""


def test_text_that_has_no_bytes_is_kept_as_far_as_it_can_be(journal: Journal) -> None:
    """Half a surrogate pair cannot be stored; the rest of the words can, and the run goes on."""
    run = journal.open_run("audit", {})
    row = journal.write(run, "edge-1", "replied", {"text": "caf\udce9 ok"})
    assert row.payload["text"].startswith("caf�")
    assert row.payload["text"].endswith(" ok")
    assert journal.rows(run)[-1] == row
    assert journal.check(run) == ""
