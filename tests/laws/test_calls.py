"""Calls on virtual routers, over their real protocols: seen, waited for, and none where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.look import ask_all, opened
from sipalg_fix.lab import pf, siproxd
from sipalg_fix.lab.twins.cisco_ios.router import CiscoIos, Entry
from sipalg_fix.lab.twins.edgeos.kernel import Flow as EdgeFlow
from sipalg_fix.lab.twins.edgeos.router import EdgeOs
from sipalg_fix.lab.twins.linux.expression import Packet
from sipalg_fix.lab.twins.linux.kernel import Flow
from sipalg_fix.lab.twins.linux.router import LinuxTwin
from sipalg_fix.lab.twins.openwrt.router import OpenwrtTwin
from sipalg_fix.lab.twins.openwrt.tracking import Flow as OpenWrtFlow
from sipalg_fix.lab.twins.opnsense import OpnsenseTwin
from sipalg_fix.lab.twins.pfsense import PfsenseTwin
from sipalg_fix.lab.twins.routeros import RouterosTwin
from sipalg_fix.lab.twins.routeros.box import CONNECTION
from sipalg_fix.lab.twins.routeros.menus import connection
from sipalg_fix.lab.twins.unifi import UnifiTwin
from sipalg_fix.model.session import Transcript

from .conftest import Device, Make
from .test_accounts import LEVELS

ROUTEROS = ("mikrotik_routeros", "mikrotik_routeros/ssh", "mikrotik_routeros/rest")


def calls(router: Device) -> int | None:
    """What the driver reads."""
    driver = router.driver
    assert driver.live_calls is not None
    with opened(router.connections.reader(router.host, driver)) as reader:
        return driver.live_calls(ask_all(reader, driver, driver.calls, Transcript()))


def streams(router: Device) -> int | None:
    """What the driver reads of what passes, whoever follows it."""
    driver = router.driver
    assert driver.live_streams is not None
    with opened(router.connections.reader(router.host, driver)) as reader:
        return driver.live_streams(ask_all(reader, driver, driver.streams, Transcript()))


def talk(router: Device, far: int = 20000) -> None:
    """A call that nothing follows: a stream to that port, and its control connection."""
    twin = router.box.twin
    with twin.chassis.lock:
        for beside in (0, 1):
            port = 42000 + beside
            match twin:
                case EdgeOs():
                    twin.kernel.flows.append(
                        EdgeFlow(
                            protocol="udp", inside="192.168.77.20", sport=port, outside="203.0.113.9",
                            dport=far + beside, passes=True,
                        )
                    )  # fmt: skip
                case LinuxTwin():
                    packet = Packet(
                        protocol="udp", source="192.168.77.20", destination="203.0.113.9", sport=port,
                        dport=far + beside,
                    )  # fmt: skip
                    twin.kernel.flows.append(
                        Flow(packet=packet, helper="", seen=twin.chassis.now, passes=True)
                    )
                case OpenwrtTwin() | UnifiTwin():
                    tracking = twin.root.tracking if isinstance(twin, UnifiTwin) else twin.tracking
                    tracking.flows.append(
                        OpenWrtFlow(
                            source="192.168.1.20", port=port, far=far + beside, helped=False,
                            seen=twin.chassis.now, passes=True,
                        )
                    )  # fmt: skip
                case CiscoIos():
                    outer, inner = f"203.0.113.2:{1030 + beside}", f"192.168.10.20:{port}"
                    outside = f"203.0.113.9:{far + beside}"
                    twin.entries.append(Entry(protocol="udp", outer=outer, inner=inner, outside=outside))
                case RouterosTwin():
                    twin.stream(port, far=far + beside)
                case PfsenseTwin() | OpnsenseTwin():
                    table = twin.filter if isinstance(twin, PfsenseTwin) else twin.box.filter
                    far_end = f"203.0.113.9:{far + beside}"
                    table.streams.append(pf.Stream(inside="192.168.1.20", port=port, far=far_end))
                case _:
                    pytest.fail("no such router")


def ring(router: Device) -> None:
    """A call: its media, and the control connection beside it."""
    twin = router.box.twin
    with twin.chassis.lock:
        if isinstance(twin, PfsenseTwin | OpnsenseTwin):
            proxy = twin if isinstance(twin, PfsenseTwin) else twin.box.daemon
            assert proxy.pid
            proxy.media[proxy.pid] = siproxd.a_call()
            return
        for port in (40000, 40001):
            match twin:
                case EdgeOs():
                    twin.kernel.flows.append(
                        EdgeFlow(
                            protocol="udp", inside="192.168.77.20", sport=port, outside="203.0.113.9",
                            dport=port - 20000, expected=True,
                        )
                    )  # fmt: skip
                case LinuxTwin():
                    packet = Packet(
                        protocol="udp", source="192.168.77.20", destination="203.0.113.9", sport=port,
                        dport=port - 20000,
                    )  # fmt: skip
                    now = twin.chassis.now
                    twin.kernel.flows.append(Flow(packet=packet, helper="", seen=now, expected=True))
                case OpenwrtTwin() | UnifiTwin():
                    tracking = twin.root.tracking if isinstance(twin, UnifiTwin) else twin.tracking
                    tracking.flows.append(
                        OpenWrtFlow(
                            source="192.168.1.20", port=port, far=port - 20000, helped=False,
                            seen=twin.chassis.now, expected=True,
                        )
                    )  # fmt: skip
                case RouterosTwin():
                    row = connection(
                        0x9000 + port, "udp", f"192.168.88.20:{port}", f"203.0.113.9:{port - 20000}",
                        now=twin.chassis.now, lasts=180.0,
                    )  # fmt: skip
                    twin.box.menus[CONNECTION].rows.append(row | {"expected": "true"})
                case _:
                    pytest.fail("no such router")


@pytest.mark.parametrize(
    "platform",
    [
        *["linux", "ubiquiti_edgeos", "ubiquiti_unifi", "openwrt", *ROUTEROS],
        *["pfsense", "pfsense/rest", "opnsense"],
    ],
)
def test_calls_are_seen(device: Make, platform: str) -> None:
    """One call, counted once with its control connection."""
    router = device(platform)
    assert calls(router) == 0
    ring(router)
    assert calls(router) == 1


@pytest.mark.parametrize(
    "platform",
    [
        *["linux", "ubiquiti_edgeos", "ubiquiti_unifi", "openwrt", "cisco_ios", *ROUTEROS],
        *["pfsense", "pfsense/rest", "opnsense"],
    ],
)
def test_streams_are_seen(device: Make, platform: str) -> None:
    """One that may be a call, counted once with its control connection; what is none is not."""
    router = device(platform)
    assert streams(router) == 0
    talk(router, far=500)
    assert streams(router) == 0
    talk(router)
    assert streams(router) == 1
    assert router.driver.live_calls is None or calls(router) == 0


def test_cisco_translations_are_all_that_passes_or_it_is_not_told(device: Make) -> None:
    """On IOS, too, whose empty table says nothing; not without NAT, and not with a router behind it."""
    router = device("cisco_ios", version="15.1(4)M4")
    talk(router)
    assert streams(router) == 1
    assert isinstance(router.box.twin, CiscoIos)
    router.box.twin.clear(lambda entry: True)
    assert streams(router) == 0
    assert streams(device("cisco_ios", nat=False)) is None
    routed = device("cisco_ios", unsaved=True)
    assert streams(routed) is None
    talk(routed)
    assert streams(routed) == 1


@pytest.mark.parametrize("platform", ROUTEROS)
def test_routeros_streams_of_all_kinds(device: Make, platform: str) -> None:
    """IPv6, and FastTracked; for an account that may only look, until a while after the last packet."""
    router = device(platform)
    twin, account = router.box.twin, router.driver.support.account
    assert isinstance(twin, RouterosTwin)
    assert account is not None
    with twin.chassis.lock:
        users = twin.chassis.users
        level = LEVELS["mikrotik_routeros"](router, account["audit"])
        users["admin"] = replace(users["admin"], level=level)
        rows = [twin.stream(40000), twin.stream(40010, fasttracked=True), twin.stream(40020, six=True)]
    assert streams(router) == 3
    with twin.chassis.lock:
        for row in rows:
            row["expires"] = str(twin.chassis.now + 120.0)
    assert streams(router) == 1
    with twin.chassis.lock:
        rows[1]["expires"] = str(twin.chassis.now)
    assert streams(router) == 0
    with twin.chassis.lock:
        twin.box.menus[f"{CONNECTION}/tracking"].rows[0]["enabled"] = "no"
    assert streams(router) is None


@pytest.mark.parametrize("platform", ROUTEROS[:2])
def test_routeros_without_ipv6_has_streams(device: Make, platform: str) -> None:
    """Version 6 has IPv6 by a package of its own."""
    router = device(platform, version="6.49.10 (stable)")
    assert streams(router) == 0
    talk(router)
    assert streams(router) == 1


@pytest.mark.parametrize("platform", ["pfsense", "opnsense"])
def test_a_stream_by_pf_ends(device: Make, platform: str) -> None:
    """Its states stay for a minute; they are not taken for one that goes on."""
    router = device(platform)
    talk(router)
    twin = router.box.twin
    assert isinstance(twin, PfsenseTwin | OpnsenseTwin)
    with twin.chassis.lock:
        table = twin.filter if isinstance(twin, PfsenseTwin) else twin.box.filter
        for stream in table.streams:
            stream.seen = twin.chassis.now - 20
    assert streams(router) == 0


def test_without_the_tool_it_is_not_told(device: Make) -> None:
    """OpenWrt has no conntrack command unless its package is installed; the kernel's own list says less."""
    router = device("openwrt", conntrack=False)
    ring(router)
    assert calls(router) is None
    assert streams(router) is None


@pytest.mark.parametrize("platform", ["pfsense", "opnsense"])
def test_a_proxy_that_does_not_run_carries_none(device: Make, platform: str) -> None:
    """And one that runs although its file says nothing of media may carry some."""
    assert calls(device(platform, enabled=False, running=False)) == 0
    assert calls(device(platform, enabled=False, running=True)) is None


def test_another_device_than_the_sites_gateway_is_not_counted(device: Make) -> None:
    """Nor one that is not reached by SSH."""
    router = device("ubiquiti_unifi")
    twin = router.box.twin
    assert isinstance(twin, UnifiTwin)
    talk(router)
    with twin.chassis.lock:
        twin.controller.sites[twin.controller.own].gateway.mac = "02:00:00:00:00:99"
    assert (calls(router), streams(router)) == (None, None)
