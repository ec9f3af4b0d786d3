"""A plan's batches, the rule that stops them, and windows that close meanwhile."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from sipalg_fix.engine.reboot import reboot
from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.engine.tell_again import tell_again
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.model.facts import Plane, off, on, unknown
from sipalg_fix.model.host import Host, ProbePoint
from sipalg_fix.model.journal import Freeze
from sipalg_fix.model.packets import Packets
from sipalg_fix.model.plan import Plan, Terms
from sipalg_fix.model.playbook import DEFAULT_HOW, Playbook
from sipalg_fix.model.report import Report, exit_code
from sipalg_fix.model.rollout import Rollout, Share
from sipalg_fix.model.window import DAYS, Window

from .toy import FOREVER
from .toy_driver import toy_driver
from .toy_ports import Threaded, ToyConnections, ToyJournal, ToyReader
from .world import REQUIRED, RESTARTED, World

S = ChangeState
SIX = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")


def share(text: str) -> Share:
    """``5`` or ``25%``."""
    return Share(number=int(text.removesuffix("%")), percent=text.endswith("%"))


def rollout(serial: str, fail: str = "0", soak: float = 0.0) -> Rollout:
    """A playbook's words."""
    return Rollout(serial=tuple(map(share, serial.split())), soak_seconds=soak, max_fail=share(fail))


def fleet(
    serial: str = "1 2",
    fail: str = "0",
    soak: float = 0.0,
    *,
    broken: str = "",
    threads: bool = False,
    guard: str = "revert",
) -> World:
    """
    Six routers, in batches of one, two, two and one; ``broken`` ones refuse the change. Those in threads have
    one clock: where one waits for its guard, so much time passes for the others' guards.
    """
    made = World(names=SIX, driver=toy_driver(guard=guard), how=REQUIRED if guard else DEFAULT_HOW)
    made.book = replace(made.book, rollout=rollout(serial, fail, soak))
    if threads:
        made.executor = Threaded(made.stop)
    made.forks = 2
    for name in broken.split():
        made.devices[name].refuses = ("set .*",)
    return made


def ends(report: Report) -> dict[str, str]:
    """What became of each host: its state, or that it was not begun."""
    told: dict[str, str] = {}
    for result in report.hosts:
        assert result.change is not None
        left = result.error is not None and result.error.code == "not-begun"
        told[result.host] = "not-begun" if left else result.change.value
    return told


def counts(report: Report) -> tuple[int, int, int]:
    """(confirmed, refused, not begun)."""
    all_ends = list(ends(report).values())
    return all_ends.count("confirmed"), all_ends.count("refused"), all_ends.count("not-begun")


def test_batches_are_in_the_plan_and_inside_the_fingerprint() -> None:
    """As the playbook says them; another order is another plan."""
    made = fleet()
    made.canaries = frozenset({"delta"})
    plan = made.plan()
    assert plan.batches == (("delta",), ("alpha",), ("bravo", "charlie"), ("echo", "foxtrot"))
    assert replace(plan, batches=plan.batches[::-1]).fingerprint != plan.fingerprint


@pytest.mark.parametrize("threads", [False, True])
def test_a_batch_begins_when_the_one_before_it_has_ended(threads: bool) -> None:
    """In the plan's order, and not sooner."""
    made = fleet(threads=threads)
    plan = made.plan()
    report = made.apply(plan)
    assert set(ends(report).values()) == {"confirmed"}
    assert (report.stopped, exit_code(report)) == ("", 0)
    rows = made.journal.rows(report.run)
    batches = [row for row in rows if row.step == words.SAID and row.payload["what"] == "batch"]
    assert tuple(tuple(row.payload["hosts"]) for row in batches) == plan.batches
    for earlier, later in pairwise(batches):
        told = {row.host for row in rows if row.step == words.RESULT and row.seq < later.seq}
        assert set(earlier.payload["hosts"]) <= told
    assert made.whole() == ""


@pytest.mark.parametrize(
    ("serial", "fail", "broken", "expected"),
    [
        ("1 2", "0", "", (6, 0, 0)),
        ("1 2", "0", "alpha", (0, 1, 5)),
        ("1 2", "0", "foxtrot", (5, 1, 0)),
        ("1 2", "1", "bravo", (5, 1, 0)),
        ("1 2", "1", "bravo charlie", (1, 2, 3)),
        ("1 2", "1", "alpha delta", (2, 2, 2)),
        ("1 2", "50%", "bravo", (5, 1, 0)),
        ("1 2", "50%", "alpha", (0, 1, 5)),
        ("2", "50%", "alpha charlie echo", (3, 3, 0)),
        ("2", "100%", " ".join(SIX), (0, 6, 0)),
        ("1", "0", " ".join(SIX), (0, 1, 5)),
        ("6", "0", "alpha", (0, 1, 5)),
        ("6", "2", "alpha bravo charlie", (0, 3, 3)),
    ],
)
def test_the_stop_rule(serial: str, fail: str, broken: str, expected: tuple[int, int, int]) -> None:
    """
    Budgets of nothing, of one, spent to the last, and overdrawn: no host is begun after that, not even of
    the same batch, and each of them says so. Nothing was sent to them.
    """
    made = fleet(serial, fail, broken=broken)
    report = made.apply()
    found = list(ends(report).values())
    failed = len(found) - found.count("confirmed") - found.count("not-begun")
    assert (found.count("confirmed"), failed, found.count("not-begun")) == expected
    assert [result.host for result in report.hosts] == list(SIX)
    left = [name for name, end in ends(report).items() if end == "not-begun"]
    assert all(made.devices[name].told == [] for name in left)
    assert bool(report.stopped) is ("failed" in report.stopped) is bool(left or overdrawn(fail, broken))
    assert exit_code(report) in ((7, 5) if report.stopped else (0, 5))
    again = tell_again(made.journal, report.run)
    assert (again.stopped, again.hosts) == (report.stopped, report.hosts)
    assert made.whole() == ""


def overdrawn(fail: str, broken: str) -> bool:
    """Is the budget of the last batch overdrawn, where it has one host?"""
    return fail == "0" and bool(broken)


def test_a_host_in_flight_is_not_cut_off_by_the_rule() -> None:
    """Two are under way when one of them fails: the other ends as planned, and no third begins."""
    made = fleet("6", "0", broken="alpha", threads=True, guard="")
    found = ends(made.apply())
    assert set(found.values()) <= {"confirmed", "not-begun", found["alpha"]}
    assert made.whole() == ""


def test_one_that_was_left_alone_has_not_failed() -> None:
    """Somebody was faster: it is as planned, and counts as such. One that changed otherwise counts."""
    made = fleet("1", "0")
    plan = made.plan()
    for name in ("sip-udp", "sip-tcp"):
        made.devices["alpha"].edit(name, "off")
        made.devices["alpha"].act("save", made.devices["alpha"].admit())
    assert counts(made.apply(plan)) == (6, 0, 0)
    other = fleet("1", "0")
    plan = other.plan()
    other.devices["bravo"].edit("sip-tcp", "off")
    assert counts(other.apply(plan)) == (1, 1, 4)


def test_the_soak_is_waited_between_batches_and_not_after_the_last() -> None:
    """By the clock; four batches, three waits."""
    quick, slow = fleet(), fleet(soak=600.0)
    quick.apply()
    slow.apply()
    assert slow.clock.monotonic() - quick.clock.monotonic() == pytest.approx(3 * 600.0)


def test_a_soak_is_cut_short_by_a_person() -> None:
    """Nobody waits ten minutes for a run to stop; what was not begun says why."""
    made = fleet(soak=600.0)

    def stop(host: str, what: str, detail: str = "") -> None:
        del detail
        made.stop.asked = made.stop.asked or (host, what) == ("soak", "waiting")

    made.progress = stop
    report = made.apply()
    assert made.clock.monotonic() < 300.0
    assert counts(report) == (1, 0, 5)
    assert report.interrupted
    assert exit_code(report) == 130


@dataclass(slots=True)
class Points:
    """Probe points that say these things one after the other, and the last of them for good."""

    says: list[Plane]
    asked: list[str] = field(default_factory=list)

    def packets(self, host: Host) -> Packets:
        """The next word."""
        self.asked.append(host.name)
        return Packets(plane=self.says.pop(0) if len(self.says) > 1 else self.says[0])


@pytest.mark.parametrize(
    ("at_confirm", "after_soak", "goes_on"),
    [
        (off(), off(), True),
        (unknown("no responder"), unknown("no responder"), True),
        (unknown("no responder"), off(), True),
        (off(), on("altered"), False),
        (unknown("no responder"), on("altered"), False),
        (off(), unknown("nothing came back"), False),
    ],
)
def test_the_next_batch_waits_for_packets(at_confirm: Plane, after_soak: Plane, goes_on: bool) -> None:
    """They may not be worse after the soak than right after the change."""
    made = fleet("1 5")
    made.probe = ProbePoint(command="probe")
    plan = made.plan()
    # A change asks three times: before it, once it acts, and at its end.
    made.prober = Points([at_confirm] * 3 + [after_soak, at_confirm])  # type: ignore[assignment]  # it has the port's shape
    report = made.apply(plan)
    assert counts(report)[2] == (0 if goes_on else 5)
    assert ("packets" in report.stopped) is not goes_on
    assert exit_code(report) == (0 if goes_on else 7)


def test_packets_are_not_asked_where_there_is_no_probe_point() -> None:
    """Nor after the last batch."""
    made = fleet("3")
    points = Points([on("altered")])
    plan = made.plan()
    made.prober = points  # type: ignore[assignment]  # it has the port's shape
    made.apply(plan)
    assert points.asked.count("alpha") <= 2


def test_the_journals_failure_ends_a_rollout_without_waiting() -> None:
    """No soak, no further batch."""
    made = fleet(soak=600.0, fail="100%")
    plan = made.plan()
    made.journal.breaks_at = made.journal.written + 8
    with pytest.raises(JournalError):
        made.apply(plan)
    assert made.clock.monotonic() < 600.0
    assert [name for name in SIX[1:] if made.devices[name].told] == []


def objections(plan: Plan) -> list[str]:
    """The plan's own."""
    return [objection.code for objection in plan.objections]


def test_a_plan_that_changes_everything_at_once_is_objected_to() -> None:
    """By name, unless a playbook says how it is rolled out; and small inventories are left in peace."""
    made = fleet()
    made.stock = 6
    assert objections(made.plan()) == []
    made.book = Playbook(name="toy")
    plan, _ = made.dry_run()
    assert objections(plan) == ["all-hosts"]
    assert plan.open_objections() == {"all-hosts": ()}
    with pytest.raises(PlanError, match="the plan as a whole"):
        made.apply(plan)
    assert counts(made.apply(plan.accepting(["all-hosts"])))[0] == 6
    made.stock = 7
    assert objections(made.plan()) == []


def test_a_batch_that_is_most_of_the_inventory_is_objected_to() -> None:
    """Also where there is a rollout."""
    names = tuple(f"r{n}" for n in range(12))
    made = World(names=names, stock=20)
    made.book = replace(made.book, rollout=rollout("1 100%"))
    assert objections(made.plan()) == ["too-many-at-once"]
    made.stock = 22
    assert objections(made.plan()) == []


TEN_TO_NOON = Window(days=DAYS, begins=10 * 60, ends=12 * 60, zone="UTC")
"""The toys' clock begins at 10:00 UTC."""


def windowed(ends_at: int, **more: object) -> World:
    """The fleet, one by one, with a window from 10:00 to so many minutes later."""
    made = fleet("1", **more)  # type: ignore[arg-type]  # words for the fleet
    window = replace(TEN_TO_NOON, ends=10 * 60 + ends_at)
    made.book = replace(made.book, windows=(window,))
    return made


def test_outside_its_windows_a_plan_is_not_begun() -> None:
    """It may be made then. Accepted by name, which is in its fingerprint, it is carried out at any time."""
    made = windowed(60)
    plan = made.plan()
    made.clock.pause(3600.0)
    with pytest.raises(PlanError, match="closed until 2026-11-24T10:00") as caught:
        made.apply(plan)
    assert caught.value.code == "window-closed"
    assert all(device.told == [] for device in made.devices.values())
    accepted = plan.accepting(["window-closed"])
    assert accepted.fingerprint != plan.fingerprint
    assert counts(made.apply(accepted))[0] == 6


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (0, ""),
        (3600.0 - 61.0, "window-too-short"),
        (3600.0 - 60.0, "window-too-short"),
        (3600.0, "window-closed"),
    ],
)
def test_a_restart_is_bound_by_windows(after: float, code: str) -> None:
    """It must be over before they close; accepted by name, it may be at any time."""
    made = windowed(60)
    terms = Terms(calls=made.book.calls, windows=made.book.windows)
    made.clock.pause(after)

    def restarted(terms: Terms) -> list[str]:
        try:
            report = reboot(made.ports, made.targets[:1], Intent(), made.told, seconds=120.0, terms=terms)
        except PlanError as error:
            return [error.code]
        return [result.error.code if result.error else "" for result in report.hosts]

    assert restarted(terms) == [code]
    assert ("reboot" in made.toy.told) is not bool(code)
    assert restarted(replace(terms, accepted=("window-closed",))) == [""]


@pytest.mark.parametrize(
    ("late", "accepted", "said"), [(False, False, False), (True, False, True), (True, True, False)]
)
def test_putting_back_is_not_bound_by_windows(late: bool, accepted: bool, said: bool) -> None:
    """That it was done outside of them is a finding, unless that was accepted for the change itself."""
    made = windowed(60)
    plan = made.plan()
    done = made.apply(plan.accepting(["window-closed"]) if accepted else plan)
    made.clock.pause(3600.0 if late else 0.0)
    report = rollback(made.ports, done.run, changed_hosts(made.journal, done.run), made.told)
    assert {result.change for result in report.hosts} == {S.ROLLED_BACK}
    assert {"window-closed" in {f.code for f in result.findings} for result in report.hosts} == {said}


def test_a_run_that_meets_the_end_of_its_window_stops_between_hosts() -> None:
    """The host that was begun in time is finished, though the window closes over it; the rest say why."""
    made = windowed(60)
    plan = made.plan()

    def late(host: str, what: str, detail: str = "") -> None:
        del detail
        if (host, what) == ("bravo", "applying"):
            made.clock.pause(3600.0)

    made.progress = late
    report = made.apply(plan)
    found = ends(report)
    assert found["alpha"] == "confirmed"
    assert found["bravo"] not in ("applying", "stranded")
    assert [found[name] for name in SIX[2:]] == ["not-begun"] * 4
    assert "window-closed" in report.stopped
    assert exit_code(report) == 7
    assert [made.devices[name].told for name in SIX[2:]] == [[]] * 4
    assert made.whole() == ""


def test_a_window_that_closes_during_the_soak_ends_the_run() -> None:
    """Nothing is begun after it."""
    report = windowed(60, soak=3600.0).apply()
    assert counts(report) == (1, 0, 5)
    assert exit_code(report) == 7


def test_a_host_whose_change_would_not_fit_is_held_back() -> None:
    """
    Its guard may fire for five minutes. Those that need less go on; the run says that not all was done.
    """
    made = windowed(4)
    report = made.apply()
    assert counts(report) == (0, 0, 6)
    assert {r.error.message for r in report.hosts if r.error} == {
        "not begun: its change may take 5 minutes, and the window is open until 2026-11-23T10:04+00:00 "
        "[window-too-short]"
    }
    assert report.stopped == "6 hosts were held back, as the change window closes"
    assert exit_code(report) == 7
    assert counts(windowed(30).apply())[0] > 0


def test_a_restart_needs_its_time_too() -> None:
    """Two minutes for it, besides the guard's five."""
    made = windowed(6)
    made.how = RESTARTED
    assert counts(made.apply())[2] == 6


@dataclass(slots=True)
class Slow(ToyConnections):
    """Each look takes twenty minutes."""

    def reader(self, host: Host, driver: Driver) -> AbstractContextManager[ToyReader]:
        """A session, late."""
        self.devices[host.name].clock.pause(1200.0)
        return ToyConnections.reader(self, host, driver)


def test_a_window_that_closes_after_the_look_stops_the_first_write() -> None:
    """The look took long: nothing is sent, and the run ends there."""
    made = windowed(20)
    plan = made.plan()
    made.connections = Slow(made.devices)
    report = made.apply(plan)
    (first, *rest) = report.hosts
    assert (first.change, first.error.code if first.error else "") == (S.REFUSED, "window-closed")
    assert {r.error.code for r in rest if r.error} == {"not-begun"}
    assert exit_code(report) == 7
    assert all(device.told == [] for device in made.devices.values())


def test_a_host_that_cannot_be_reached_counts_as_failed() -> None:
    """Whatever the reason: nobody knows what the next one would say."""
    made = fleet("1", "0")
    plan = made.plan()
    made.devices["alpha"].turned_away = ("unreachable", FOREVER)
    assert counts(made.apply(plan)) == (0, 1, 5)


FREEZE = Freeze(at="2026-11-23T10:00:00Z", by="bob@noc", reason="outage")


def test_nothing_is_begun_while_all_changes_are_frozen() -> None:
    """Neither a change, nor taking one back, nor a restart; and who froze, and why, is said."""
    made = fleet()
    plan = made.plan()
    done = made.apply(plan)
    plans = changed_hosts(made.journal, done.run)
    told = {name: list(device.told) for name, device in made.devices.items()}
    made.journal.freeze = FREEZE
    for verb in (
        lambda: made.apply(plan),
        lambda: rollback(made.ports, done.run, plans, made.told),
        lambda: reboot(made.ports, made.targets, Intent(), made.told, seconds=60.0),
    ):
        with pytest.raises(PlanError, match="frozen since 2026-11-23T10:00:00Z by bob@noc: outage") as caught:
            verb()
        assert caught.value.code == "frozen"
    assert {name: list(device.told) for name, device in made.devices.items()} == told


@pytest.mark.parametrize("threads", [False, True])
def test_a_freeze_stops_a_run_between_hosts(threads: bool) -> None:
    """The host in flight is finished, and keeps its change; the rest is told as not begun."""
    made = fleet("6", threads=threads)
    made.forks = 1
    plan = made.plan()

    def freeze(host: str, what: str, detail: str = "") -> None:
        del detail
        if (host, what) == ("bravo", "applied"):
            made.journal.freeze = FREEZE

    made.progress = freeze
    report = made.apply(plan)
    assert counts(report) == (2, 0, 4)
    assert "frozen since" in report.stopped
    assert exit_code(report) == 7
    assert [made.devices[name].told for name in SIX[2:]] == [[]] * 4
    made.journal.freeze = None
    assert counts(made.apply(made.plan()))[0] == 4
    assert made.whole() == ""


def test_a_freeze_between_look_and_first_write_stops_the_host() -> None:
    """It was looked at and backed up, and nothing was sent."""
    made = fleet("6")
    plan = made.plan()
    made.connections = Freezing(made.devices)
    made.connections.journal = made.journal
    report = made.apply(plan)
    (first, *rest) = report.hosts
    assert (first.change, first.error.code if first.error else "") == (S.REFUSED, "frozen")
    assert {r.error.code for r in rest if r.error} == {"not-begun"}
    assert exit_code(report) == 7
    assert all(device.told == [] for device in made.devices.values())


@dataclass(slots=True)
class Freezing(ToyConnections):
    """Somebody freezes while a host is looked at."""

    journal: ToyJournal | None = None

    def reader(self, host: Host, driver: Driver) -> AbstractContextManager[ToyReader]:
        """A session, meanwhile."""
        assert self.journal is not None
        self.journal.freeze = FREEZE
        return ToyConnections.reader(self, host, driver)


def test_a_run_that_takes_back_stops_between_hosts_too() -> None:
    """Rolling back is a change as any other; exit code 7."""
    made = fleet()
    done = made.apply()
    plans = changed_hosts(made.journal, done.run)

    def freeze(host: str, what: str, detail: str = "") -> None:
        del detail
        if (host, what) == ("bravo", "rolling-back"):
            made.journal.freeze = FREEZE

    made.progress = freeze
    report = rollback(made.ports, done.run, plans, made.told)
    assert [r.change for r in report.hosts] == [S.ROLLED_BACK, S.ROLLED_BACK, *[S.REFUSED] * 4]
    assert exit_code(report) == 7
    assert "frozen since" in report.stopped
    assert made.whole() == ""


def test_two_runs_on_one_host() -> None:
    """The second is told who holds it, counts that as a failure, and begins nothing."""
    made = fleet("1", "0")
    plan = made.plan()
    made.journal.leases["lab/alpha"] = "another-run"
    report = made.apply(plan)
    assert counts(report) == (0, 1, 5)
    assert report.hosts[0].error is not None
    assert report.hosts[0].error.code == "host-busy"
    del made.journal.leases["lab/alpha"]
    assert counts(made.apply(plan))[0] == 6
