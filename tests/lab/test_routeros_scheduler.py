"""The virtual MikroTik router's scheduler and the commands it runs: what a dead man's switch is made of."""

from __future__ import annotations

import librouteros
import pytest

from sipalg_fix.lab.api_server import ApiServer
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options
from sipalg_fix.lab.twins.routeros.box import SERVICE_PORT, Refusal
from sipalg_fix.lab.twins.routeros.console import Runner, split
from sipalg_fix.lab.twins.routeros.scheduler import SCHEDULER

BACK = "/ip firewall service-port set sip disabled=no"


@pytest.fixture
def twin() -> RouterosTwin:
    """A box whose helper was switched off."""
    made = from_options("gw-01", {})
    assert made.talk("admin", [f"{SERVICE_PORT}/disable", "=numbers=sip"]) == [["!done"]]
    return made


def disabled(twin: RouterosTwin) -> str:
    return twin.box.pick(SERVICE_PORT, "sip")["disabled"]


def add(twin: RouterosTwin, *words: str) -> str:
    (reply,) = twin.talk("admin", [f"{SCHEDULER}/add", "=name=guard", *words])
    return reply[1].removeprefix("=ret=")


def test_an_entry_fires_one_interval_after_it_was_added(twin: RouterosTwin) -> None:
    """The dead man's switch: nobody takes it away, and the helper is on again, and not a second before."""
    add(twin, "=interval=00:10:00", f"=on-event={BACK}")
    twin.chassis.advance(599)
    assert disabled(twin) == "true"
    twin.chassis.advance(1)
    assert disabled(twin) == "false"


def test_an_entry_that_is_removed_does_not_fire(twin: RouterosTwin) -> None:
    """Removal by name; the list is empty, no timer is left, and the helper stays off."""
    before = twin.snapshot()
    add(twin, "=interval=10m", f"=on-event={BACK}")
    assert twin.talk("admin", [f"{SCHEDULER}/remove", "=numbers=guard"]) == [["!done"]]
    assert twin.snapshot() == before
    twin.chassis.advance(3600)
    assert disabled(twin) == "true"


@pytest.mark.parametrize("word", ["=disabled=yes", "=start-date=nov/01/2020", "=policy=read"])
def test_an_entry_that_may_not_run_or_not_any_more(twin: RouterosTwin, word: str) -> None:
    """Disabled, in the past and without an interval, or without the policy to write: the helper stays off."""
    interval = "=interval=0s" if "date" in word else "=interval=1m"
    add(twin, interval, f"=on-event={BACK}", word)
    twin.chassis.advance(3600)
    assert disabled(twin) == "true"


def test_a_script_that_fails_says_so_in_the_log(twin: RouterosTwin) -> None:
    """Nobody hears of it otherwise: the entry counts as run."""
    add(twin, "=interval=1m", "=on-event=/ip firewall service-prot set sip disabled=no")
    twin.chassis.advance(60)
    assert [row["message"] for row in twin.box.shown("/log")] == [
        "executing script guard",
        "(scheduler:guard) bad command name service-prot (line 1 column 14)",
    ]
    assert twin.box.pick(SCHEDULER, "guard")["run-count"] == "1"


def test_an_entry_shows_when_it_runs_next(twin: RouterosTwin) -> None:
    """The clock begins at 2026-11-18 11:06:40; the second run follows the first by the interval."""
    number = add(twin, "=interval=300", f"=on-event={BACK}")
    get = [f"{SCHEDULER}/get", f"=.id={number}", "=value-name=next-run"]
    first = twin.talk("admin", get)
    twin.chassis.advance(300)
    assert [first, twin.talk("admin", get)] == [
        [["!done", "=ret=2026-11-18 11:11:40"]],
        [["!done", "=ret=2026-11-18 11:16:40"]],
    ]


def test_an_entry_may_take_itself_away(twin: RouterosTwin) -> None:
    """A guard that fires once: it undoes the change, and is gone."""
    add(twin, "=interval=5m", f"=on-event={BACK}; /system scheduler remove [find name=guard]")
    twin.chassis.advance(3600)
    assert (disabled(twin), list(twin.box.shown(SCHEDULER))) == ("false", [])


def test_an_entry_survives_a_reboot_and_startup_entries_run_at_one(twin: RouterosTwin) -> None:
    """The guard goes on ticking after a reboot; an entry for startup fires at it."""
    add(twin, "=interval=10m", "=on-event=:log info still-here")
    twin.talk("admin", [f"{SCHEDULER}/add", "=name=boot", "=start-time=startup", f"=on-event={BACK}"])
    twin.chassis.advance(60)
    twin.talk("admin", ["/system/reboot"])
    assert disabled(twin) == "false"
    twin.chassis.advance(540)
    assert [row["message"] for row in twin.box.shown("/log")] == ["still-here"]


def test_the_api_client_sees_the_entry_and_its_id() -> None:
    """Through a real client: add gives the id, print shows it, remove takes it away."""
    with ApiServer(from_options("gw-01", {"version": "6.48.6 (long-term)"})) as server:
        host, port = server.address
        api = librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        path = api.path("system", "scheduler")
        number = path.add(name="guard", interval="10m", **{"on-event": BACK})
        (row,) = path
        path.remove(number)
        assert (row[".id"], row["next-run"], list(path)) == (number, "nov/18/2026 11:16:40", [])
        api.close()


@pytest.mark.parametrize(
    "script",
    [
        "/ip/firewall/service-port/set [find name=sip] disabled=no",
        '/ip firewall service-port set [find where name="sip"] disabled=no',
        "/ip firewall service-port enable sip",
        ':do { /nosuch } on-error={ :log warning "no such"; ' + BACK + " }",
        "/ip firewall service-port set numbers=sip disabled=no",
        '/ip firewall service-port set [find disabled and name~"^s.p$"] disabled=no',
    ],
)
def test_commands_may_be_written_in_many_ways(twin: RouterosTwin, script: str) -> None:
    """Paths with blanks or slashes, items by name, by number= or by find, and an error that is caught."""
    Runner(box=twin.box, owner="admin", policies=frozenset({"read", "write"})).run(script)
    assert disabled(twin) == "false"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("/ip firewall service-port set nosuch disabled=no", "no such item"),
        ("/ip firewall service-port set disabled=no", r"missing value\(s\) of argument\(s\) numbers"),
        ("/ip firewall service-port", "expected command name"),
        ("/system reboot", r"not enough permissions \(9\)"),
    ],
)
def test_commands_that_are_refused(twin: RouterosTwin, script: str, reason: str) -> None:
    """In the words of the console, and with nothing done."""
    writes = twin.chassis.writes
    with pytest.raises(Refusal, match=reason):
        Runner(box=twin.box, owner="admin", policies=frozenset({"read", "write"})).run(script)
    assert twin.chassis.writes == writes


def test_find_that_finds_nothing_changes_nothing(twin: RouterosTwin) -> None:
    """No item is no error: the command has nothing to do."""
    Runner(box=twin.box, owner="admin", policies=frozenset({"read", "write"})).run(
        '/ip firewall connection remove [find where dst-address~":9999"]'
    )
    assert len(list(twin.box.shown("/ip/firewall/connection"))) == 4


def test_separators_inside_quotes_and_brackets_part_nothing() -> None:
    """A semicolon in quotes, in brackets, or after a backslash in quotes belongs to the word it stands in."""
    assert split(r'a "b;\";" {c;d}; [e;f]', ";") == [r'a "b;\";" {c;d}', "[e;f]"]
