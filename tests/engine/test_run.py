"""A run over many hosts: none takes another along, and the journal's failure ends it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from sipalg_fix.engine.audit import audit
from sipalg_fix.engine.run import over
from sipalg_fix.engine.tell_again import tell_again
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, JournalError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import broken_link
from sipalg_fix.model.report import HostError, HostResult, exit_code
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Remedy

from .oracle import lie, snapshot
from .toy import FOREVER, SECRET, Trouble
from .toy_driver import toy_driver
from .toy_ports import Threaded
from .world import REQUIRED, World

S = ChangeState
NAMES = ("alpha", "bravo", "charlie", "delta")


def many(guard: str = "") -> World:
    """Some routers."""
    return World(driver=toy_driver(guard=guard), names=NAMES, how=REQUIRED)


def test_hosts_are_told_in_the_order_given() -> None:
    """Whoever ends first."""
    made = many()
    made.executor = Threaded(made.stop)
    assert [result.host for result in made.audit().hosts] == list(NAMES)


@pytest.mark.parametrize("what", ["unreachable", "access-denied", "crash", "refuse", "lose-before"])
def test_a_failing_host_never_stops_the_others(what: str) -> None:
    """The others are changed and confirmed; the failing one is told apart, and the exit code is its own."""
    made = many(guard="revert")
    plan = made.plan()
    made.devices["bravo"].troubles = (Trouble(what=what, upon="set sip-tcp off", sessions=FOREVER),)
    report = made.apply(plan)
    ends = {result.host: result.change for result in report.hosts}
    assert {ends[name] for name in NAMES if name != "bravo"} == {S.CONFIRMED}
    assert ends["bravo"] is not S.CONFIRMED
    assert exit_code(report) != 0
    assert made.whole() == ""


def clumsy(part: str) -> Driver:
    """A driver with a fault in one of its functions, for one router."""

    def parse(seen: Transcript) -> Facts:
        raise KeyError(f"the password is {SECRET}")

    def remedy(facts: Facts) -> Remedy:
        raise IndexError(f"the password is {SECRET}")

    whole = toy_driver()
    return replace(whole, parse=parse) if part == "parse" else replace(whole, remedy=remedy)


@pytest.mark.parametrize(("part", "kind"), [("parse", "KeyError"), ("remedy", "IndexError")])
def test_a_fault_of_ours_is_named_without_its_text(part: str, kind: str) -> None:
    """The kind and the place of a foreign exception, never its words: they may hold a secret."""
    made = World(driver=clumsy(part))
    made.plan()
    report = tell_again(made.journal, "run-1-plan")
    (result,) = report.hosts
    assert result.error is not None
    assert result.error.code == "internal"
    assert f"({kind} at test_run.py:" in result.error.message
    assert SECRET not in repr(made.journal.kept)
    assert exit_code(report) == 4


def test_a_fault_in_a_driver_is_one_hosts() -> None:
    """The plan holds the other hosts, and names the failure of that one."""
    made = many()
    made.devices["bravo"].troubles = (Trouble(what="crash", at=1),)
    plan = made.plan()
    assert [host_plan.host.name for host_plan in plan.hosts] == ["alpha", "charlie", "delta"]
    assert [(failure.host, failure.code) for failure in plan.failures] == [("bravo", "internal")]


def written_by(made: World) -> int:
    """How many rows a change of all of them takes."""
    plan = made.plan()
    before = made.journal.written
    made.apply(plan)
    return made.journal.written - before


@pytest.mark.parametrize("heals", [False, True], ids=["for good", "once"])
def test_the_journals_failure_ends_the_run(heals: bool) -> None:
    """
    At each row in turn: JournalError, no command that was not recorded, and no host is begun after it,
    not even when the journal could be written again. A host that was sent something is named.
    """
    for number in range(1, written_by(many()) + 1):
        made = many()
        plan = made.plan()
        journal = made.journal
        journal.breaks_at, journal.heals = journal.written + number, heals
        heard = {name: device.heard for name, device in made.devices.items()}
        with pytest.raises(JournalError) as caught:
            made.apply(plan)
        assert caught.value.code == "journal-unwritable"
        assert made.whole() == ""
        begun = [name for name in NAMES if made.devices[name].heard > heard[name]]
        last = begun[-1] if begun else ""
        rows = journal.rows("run-2-apply")
        assert not last or {row.host for row in rows} <= {"", *begun}
        if any(row.step == words.SENDING and row.host == last for row in rows):
            ended = any(row.step == words.STATE and row.payload["state"] == "confirmed" for row in rows)
            assert f"sent to {last}" in str(caught.value) or ended


def test_no_host_is_begun_after_a_journal_that_failed_once() -> None:
    """The first host's row could not be written: the others hear nothing at all."""
    made = many()
    plan = made.plan()
    made.journal.breaks_at, made.journal.heals = made.journal.written + 2, True
    heard = [device.heard for device in made.devices.values()]
    with pytest.raises(JournalError):
        made.apply(plan)
    assert [device.heard for device in made.devices.values()] == heard


def test_a_stopped_run_begins_no_more_hosts_and_says_so() -> None:
    """The host in flight is finished; the rest are told as not begun, and the report as interrupted."""
    made = many()
    plan = made.plan()

    def on_the_first(host: str, what: str, detail: str = "") -> None:
        del detail
        made.stop.asked = made.stop.asked or (host, what) == ("alpha", "applying")

    made.progress = on_the_first
    report = made.apply(plan)
    assert [(result.host, result.change) for result in report.hosts] == [
        ("alpha", S.CONFIRMED), *((name, S.REFUSED) for name in NAMES[1:])
    ]  # fmt: skip
    assert {r.error.code for r in report.hosts[1:] if r.error} == {"not-begun"}
    assert report.interrupted
    assert exit_code(report) == 130
    assert [made.devices[name].told for name in NAMES[1:]] == [[], [], []]
    assert tell_again(made.journal, report.run).interrupted


@pytest.mark.parametrize("forks", [1, 2, 3])
def test_no_more_hosts_at_once_than_forks(forks: int) -> None:
    """What the run was told reaches the executor, and so many routers are open at once, not more."""
    made = many()
    made.forks = forks
    threads = Threaded(made.stop)
    made.executor = threads
    together = threading.Barrier(forks)
    waited = set[str]()

    def meet(host: str, what: str, detail: str = "") -> None:
        del detail
        if what == "reading" and len(waited) < forks and host not in waited:
            waited.add(host)
            together.wait(timeout=30)

    made.progress = meet
    assert len(made.audit().hosts) == len(NAMES)
    assert threads.most == forks


def test_threads_share_one_chain() -> None:
    """Hosts that are changed at the same time write one whole chain, and all end as planned."""
    made = World(names=tuple(f"r{n}" for n in range(12)), driver=toy_driver(guard="revert"), how=REQUIRED)
    made.executor = Threaded(made.stop)
    befores = {name: snapshot(device) for name, device in made.devices.items()}
    report = made.apply()
    assert [lie(result, made, befores[result.host]) for result in report.hosts] == [""] * 12
    assert {result.change for result in report.hosts} == {S.CONFIRMED}
    assert report.head == made.journal.rows(report.run)[-1].hash
    assert broken_link(made.journal.rows(report.run)) == ""


def test_nothing_is_sent_where_nobody_is_to_be_changed() -> None:
    """A run over no hosts begins and ends in the journal."""
    made = World(names=("alpha",))
    report = audit(made.ports, (), Intent(), made.told)
    assert (report.hosts, exit_code(report)) == ((), 0)
    assert [row.step for row in made.journal.rows(report.run)] == [words.RUN_STARTED, words.RUN_ENDED]


def test_a_failure_after_something_was_sent_is_for_a_person_whatever_the_verb() -> None:
    """The host's edge knows from the journal that something was sent."""
    made = many()

    def work(run: str, host: Host) -> HostResult:
        made.journal.write(run, host.name, words.SENDING, {"command": "set x"})
        raise DeviceError("connection-lost", "gone")

    report = over(made.ports, "toy", [made.targets[0].host], work, made.told)
    (result,) = report.hosts
    assert result.change is S.STRANDED
    assert result.done == ("set x",)
    assert result.error == HostError(code="connection-lost", message="gone")
    assert exit_code(report) == 6
