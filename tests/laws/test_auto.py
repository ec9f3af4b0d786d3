"""A router whose platform nobody wrote down is taken for what it shows itself to be, or for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sipalg_fix.drivers import discover
from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.audit import audit
from sipalg_fix.engine.meet import shown_by
from sipalg_fix.engine.patience import LOOKS, LOST
from sipalg_fix.engine.planning import plan
from sipalg_fix.engine.run import Ports, Told
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.errors import HOST_CODES, DeviceError
from sipalg_fix.model.host import AUTO, Host
from sipalg_fix.model.meeting import ACCESS, DETECTED, Meeting, decided, greeted
from sipalg_fix.model.plan import Plan
from sipalg_fix.model.playbook import Playbook, Target
from sipalg_fix.model.report import HostResult
from sipalg_fix.model.session import Reply, Transcript
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.line import Endpoint
from sipalg_fix.transports.ssh_keys import HostKey, KeyStore
from sipalg_fix.wiring import key_names
from tests.laws.conftest import Device, Make

DRIVERS = discover()
HALLMARKS: dict[str, Hallmarks] = {
    name: driver.hallmarks for name, driver in DRIVERS.items() if driver.hallmarks
}
ROOT = Path(__file__).parents[2]
PLATFORMS = sorted(HALLMARKS)
ALONE = [name for name in PLATFORMS if not HALLMARKS[name].lacks]
OVER_SSH = {"mikrotik_routeros": "mikrotik_routeros/ssh"}
"""Routers of the lab that are not reached by SSH unless that is asked for."""
UNKNOWN = "SSH-2.0-Comware-7.1.075"
GREETINGS = ("SSH-2.0-OpenSSH_9.2p1", "SSH-2.0-dropbear", "SSH-2.0-ROSSSH", "SSH-2.0-Cisco-1.25", UNKNOWN)
NAMED = frozenset(HOST_CODES) - {"internal", "look-only"}


class CountingKeys(KeyStore):
    """Host keys; each connection over SSH asks once."""

    asked = 0

    def check(self, endpoint: Endpoint, shown: HostKey) -> None:
        self.asked += 1
        super().check(endpoint, shown)


@pytest.fixture
def keys(tmp_path: Path) -> CountingKeys:
    """A store that outlives the routers of a test."""
    return CountingKeys(tmp_path / "trusted")


Stranger = tuple[Device, Host, Connections]


def meet(make: Make, keys: KeyStore, platform: str, *switches: str, seconds: float = 20.0) -> Stranger:
    """
    A router, and how somebody wrote it down who knows its address and login and nothing else; its host key
    was accepted, as of an ``auto`` host.
    """
    router = make(OVER_SSH.get(platform, platform), *switches)
    settings = router.host.accesses[HALLMARKS[platform].access]
    host = replace(router.host, platform=AUTO, accesses={ACCESS: replace(settings, seconds=seconds)})
    connections = Connections(secrets=router.connections._secrets, keys=keys)
    (shown,) = {
        key for _, key in router.connections.scan(router.host, DRIVERS[platform]) if key.kind != "tls"
    }
    for access in key_names(host, ACCESS):
        keys.accept(host.label, access, shown)
    return router, host, connections


def ports(router: Device, connections: Connections) -> Ports:
    """The engine with all drivers there are."""
    return replace(router.ports(), drivers=DRIVERS, connections=connections)


def looked(stranger: Stranger) -> HostResult:
    """An audit of the host as it is written down."""
    router, host, connections = stranger
    (line,) = audit(ports(router, connections), [Target(host=host)], Intent(), Told()).hosts
    return line


def planned(stranger: Stranger) -> Plan:
    """A plan for the host as it is written down, all objections accepted."""
    router, host, connections = stranger
    made, _ = plan(
        ports(router, connections), [Target(host=host)], Playbook(name="law"), Told(),
        inventory_digest="", boot_seconds=30.0,
    )  # fmt: skip
    return made.accepting(made.open_objections())


def test_every_driver_says_by_what_its_routers_are_known() -> None:
    """A new platform brings its hallmarks; what it asks is among what it may look at."""
    assert sorted(DRIVERS) == PLATFORMS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_router_is_known_by_itself(device: Make, keys: CountingKeys, platform: str) -> None:
    """In one login; it says by what it was known, and is as it was."""
    stranger = meet(device, keys, platform)
    router, _, _ = stranger
    before, writes = router.kept, router.writes
    line = looked(stranger)
    assert (router.kept, router.writes, keys.asked) == (before, writes, 1)
    if platform not in ALONE:
        assert line.error is not None
        assert line.error.code == "no-access"
        assert line.error.message.startswith(f"this is {platform}, shown by: 'SSH-2.0-")
        return
    assert line.error is None, line.error
    assert line.platform == platform
    (how,) = [finding for finding in line.all_findings if finding.code == DETECTED]
    assert how.message.startswith(f"the platform is {platform}, shown by: 'SSH-2.0-")


@pytest.mark.long
@pytest.mark.parametrize("platform", ALONE)
def test_it_is_read_as_if_it_had_been_named(device: Make, keys: CountingKeys, platform: str) -> None:
    """The same assessment, but for the finding that says how its platform was found out."""
    router, host, connections = stranger = meet(device, keys, platform)
    found = looked(stranger).assessment
    named = replace(host, platform=platform, accesses={HALLMARKS[platform].access: host.accesses[ACCESS]})
    known = looked((router, named, connections)).assessment
    assert found is not None
    without = tuple(finding for finding in found.findings if finding.code != DETECTED)
    assert replace(found, findings=without) == known


@pytest.mark.long
@pytest.mark.parametrize("platform", ALONE)
def test_a_plan_holds_the_platform_that_was_found(device: Make, keys: CountingKeys, platform: str) -> None:
    """It is one for a router of that platform, and says how that is known."""
    made = planned(meet(device, keys, platform))
    (host_plan,) = made.hosts
    assert host_plan.host.platform == platform
    assert set(host_plan.host.accesses) == {HALLMARKS[platform].access}
    assert DETECTED in {finding.code for finding in host_plan.assessment.findings}


def test_a_plan_is_carried_out_without_finding_out_again(device: Make, keys: CountingKeys) -> None:
    """The plan is enough, and the host key that was accepted is that of its access, too."""
    stranger = meet(device, keys, "ubiquiti_edgeos")
    router, _, connections = stranger
    made = planned(stranger)
    (host_plan,) = made.hosts
    assert (host_plan.host.platform, set(host_plan.host.accesses)) == ("ubiquiti_edgeos", {"cli"})
    router.box.twin.chassis.identification = UNKNOWN
    (line,) = apply(ports(router, connections), made, Told()).hosts
    assert line.change is not None
    assert line.change.value == "confirmed", line.error


def test_a_router_that_became_another_is_refused(device: Make, keys: CountingKeys) -> None:
    """By the plan's own driver; nothing is sent to it that changes something."""
    (host_plan,) = (made := planned(meet(device, keys, "linux"))).hosts
    other, now, connections = meet(device, keys, "openwrt")
    before, writes = other.kept, other.writes
    moved = replace(host_plan.host, accesses=dict(now.accesses))
    made = replace(made, hosts=(replace(host_plan, host=moved),))
    (line,) = apply(ports(other, connections), made, Told()).hosts
    assert line.error is not None
    assert line.error.code == "wrong-platform"
    assert (other.kept, other.writes) == (before, writes)


@pytest.mark.long
@pytest.mark.parametrize("greeting", GREETINGS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_router_that_greets_as_another_is_not_taken_for_it(
    device: Make, keys: CountingKeys, platform: str, greeting: str
) -> None:
    """It is asked what another would be: it is still itself or nothing, and nothing was changed by that."""
    stranger = meet(device, keys, platform, seconds=3.0)
    router, _, _ = stranger
    router.box.twin.chassis.identification = greeting
    before, writes = router.kept, router.writes
    line = looked(stranger)
    assert (router.kept, router.writes) == (before, writes)
    if line.error is None:
        assert line.platform == platform
    else:
        assert line.error.code in NAMED
        assert not line.error.message.startswith("this is ") or f"this is {platform}" in line.error.message


@pytest.mark.long
@pytest.mark.parametrize("switch", ["hash_banner", "wrap"])
@pytest.mark.parametrize("platform", ["cisco_ios", "ubiquiti_edgeos"])
def test_what_is_written_at_the_door_says_nothing(
    device: Make, keys: CountingKeys, platform: str, switch: str
) -> None:
    """Banners that end like prompts, and a narrow screen, are no hallmarks and hide none."""
    line = looked(meet(device, keys, platform, switch))
    assert (line.error, line.platform) == (None, platform)


def test_a_router_with_one_session_a_connection_is_asked_in_one(device: Make, keys: CountingKeys) -> None:
    """What was opened to find out what it is serves the look, too."""
    stranger = meet(device, keys, "cisco_ios")
    assert looked(stranger).platform == "cisco_ios"
    assert len(stranger[0].box.twin.sessions) == 1


def test_what_it_was_taken_for_is_said_with_an_error(device: Make, keys: CountingKeys) -> None:
    """A look that fails after the platform was found names it."""
    stranger = meet(device, keys, "cisco_ios")
    users = stranger[0].box.twin.chassis.users
    users["admin"] = replace(users["admin"], level="1")
    line = looked(stranger)
    assert line.error is not None
    assert line.error.code == "not-privileged"
    assert "(the platform is cisco_ios, shown by: " in line.error.message


def test_the_page_says_how_each_is_found_out() -> None:
    """Whoever adds a platform adds a line to the table."""
    page = (ROOT / "docs/reference/inventory.md").read_text()
    section = page.partition("## Found out at the login")[2].partition("\n## ")[0]
    assert [name for name in PLATFORMS if f"| `{name}` |" not in section] == []


def test_what_greets_as_no_platform_does_is_not_asked(device: Make, keys: CountingKeys) -> None:
    """Nothing is known to be harmless there; the greeting is all that was seen, and is shown."""
    stranger = meet(device, keys, "linux")
    stranger[0].box.twin.chassis.identification = UNKNOWN
    line = looked(stranger)
    assert line.error is not None
    assert line.error.code == "platform-unclear"
    assert f"'{UNKNOWN}'" in line.error.message
    assert "nothing was asked" in line.error.message


AWKWARD = (
    ("garbage", "platform-unclear"),
    ("hang_up", "connection-lost"),
    ("refuse_login", "access-denied"),
    pytest.param("half_reply", "timeout", marks=pytest.mark.long),
)


@pytest.mark.parametrize(("switch", "code"), AWKWARD)
def test_an_awkward_router_is_none(device: Make, keys: CountingKeys, switch: str, code: str) -> None:
    """Rubbish, half a reply, a cut connection, a refused login: an error by its name, and few logins."""
    line = looked(meet(device, keys, "openwrt", switch, seconds=3.0))
    assert line.error is not None
    assert (line.error.code, line.assessment) == (code, None)
    assert 1 <= keys.asked <= (LOOKS if code in LOST else 1)


@pytest.mark.long
@pytest.mark.parametrize("switch", ["garbage", "half_reply", "hang_up", "refuse_login"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_awkward_router_is_taken_for_one(
    device: Make, keys: CountingKeys, platform: str, switch: str
) -> None:
    """On every platform."""
    line = looked(meet(device, keys, platform, switch, seconds=3.0))
    assert line.error is not None
    assert line.error.code in NAMED
    assert line.assessment is None
    assert 1 <= keys.asked <= (LOOKS if line.error.code in LOST else 1)


def met_by(stranger: Stranger) -> Meeting:
    """What it shows."""
    _, host, connections = stranger
    with connections.stranger(host) as met:
        return shown_by(met, host, [*DRIVERS.values(), DRIVERS["linux"]])


def outcome(met: Meeting) -> str:
    """The platform that it is taken for; empty for none."""
    try:
        return decided(met)[0].platform
    except DeviceError as error:
        if error.code == "platform-unclear":
            return ""
        return error.message.removeprefix("this is ").partition(",")[0]


def cuts(reply: Reply) -> Iterator[Reply]:
    """The same reply, ended after each of its characters."""
    for end in range(len(reply.text)):
        yield replace(reply, text=reply.text[:end])


def cut_meetings(met: Meeting) -> Iterator[Meeting]:
    """One reply ended early, in all ways; and replies that are not there."""
    for which, (driver, hallmarks, seen) in enumerate(met.answers):
        for place in range(len(seen.replies)):
            before, reply, after = seen.replies[:place], seen.replies[place], seen.replies[place + 1 :]
            for left in (*((each,) for each in cuts(reply)), ()):
                fewer = Transcript(replies=(*before, *left, *after))
                yield replace(
                    met, answers=(*met.answers[:which], (driver, hallmarks, fewer), *met.answers[which + 1 :])
                )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_cut_reply_makes_it_another(device: Make, keys: CountingKeys, platform: str) -> None:
    """Whatever is missing of what it said: it is known for itself, or for nothing."""
    met = met_by(meet(device, keys, platform))
    assert outcome(met) == platform
    others = {outcome(fewer) for fewer in cut_meetings(met)} - {platform, ""}
    assert others == set()
    greetings = (met.greeting[:end] for end in range(len(met.greeting)))
    asked = {driver.platform for driver, _, _ in met.answers}
    for greeting in greetings:
        assert {driver.platform for driver, _ in greeted(greeting, DRIVERS.values())} <= asked


def test_signs_of_two_platforms_are_those_of_none(device: Make, keys: CountingKeys) -> None:
    """
    It shows itself to be both: neither is likelier, and what was seen of each is said. A driver that goes by
    several names is one.
    """
    first, second = (met_by(meet(device, keys, platform)) for platform in ("linux", "opnsense"))
    mine = {driver.platform: (driver, hallmarks, seen) for driver, hallmarks, seen in first.answers}
    other = next(answer for answer in second.answers if answer[0].platform == "opnsense")
    both = Meeting(greeting=first.greeting, answers=(mine["linux"], other))
    with pytest.raises(DeviceError) as caught:
        decided(both)
    assert caught.value.code == "platform-unclear"
    assert "linux by 'Linux " in caught.value.message
    assert "opnsense by 'OPNsense " in caught.value.message


def test_what_is_shown_of_it_holds_no_secret() -> None:
    """What a driver redacts in its platform's replies is redacted in the error, too, whoever asked."""
    said = "hello\npassword=hunter2hunter2\n" + "x" * 500
    (linux, hallmarks) = (DRIVERS["linux"], HALLMARKS["linux"])
    seen = Transcript(replies=(Reply(command=hallmarks.questions[0], text=said),))
    with pytest.raises(DeviceError) as caught:
        decided(Meeting(greeting="SSH-2.0-OpenSSH_9", answers=((linux, hallmarks, seen),)))
    assert "hello / password=<redacted>" in caught.value.message
    assert "hunter2" not in caught.value.message
    assert len(caught.value.message) < 600
