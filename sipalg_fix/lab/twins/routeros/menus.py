"""
What a virtual MikroTik router holds when it is taken out of its box: its menus and their first items.

Sources: helpers and their properties, the MikroTik manual, page "Services" (``/ip firewall
service-port``), and prints of RouterOS 7 on the net (``irc`` and ``rtsp`` are disabled there, and only
there; RouterOS 6 has no ``rtsp``); properties of connections, page "Connection tracking" (6 has IPv6 by
a package, which this box is without); groups, page "User"; the TR-069 client, its own page. Numbers of the
hardware are made up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.routeros import notation
from sipalg_fix.lab.twins.routeros.box import (
    CONNECTION,
    CONNECTION6,
    LOG,
    READ,
    SERVICE_PORT,
    Box,
    Menu,
    Reader,
    Row,
)
from sipalg_fix.lab.twins.routeros.scheduler import SCRIPT

Readers = Mapping[str, Reader]

EDIT = READ | {"set", "enable", "disable"}
TABLE = EDIT | {"add", "remove"}

FULL = "local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon"
WRITE = "local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon"
LOOK = "local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon"
"""The default group ``read`` may reboot; it may not write."""
GROUPS = {
    "read": f"{LOOK},rest-api,!ftp,!write,!policy",
    "write": f"{WRITE},rest-api,!ftp,!policy",
    "full": f"{FULL},rest-api",
    # Not one of the defaults: people who work at the console only.
    "console": "local,telnet,ssh,reboot,read,write,test,winbox,password,web,!api,!rest-api,!ftp,!policy",
}

SCRIPTS: Readers = {"name": str, "source": str, "comment": str, "policy": str}
"""What can be set on an item of ``/system script``."""

HELPERS = ("ftp", "tftp", "irc", "h323", "sip", "pptp", "rtsp", "udplite", "dccp", "sctp")
PORTS = {"ftp": "21", "tftp": "69", "irc": "6667", "rtsp": "554"}


STREAM_SECONDS = 180
"""``udp-stream-timeout`` as it comes."""


def read_only(*rows: Row, live: Callable[[Row], Row] | None = None, single: bool = True) -> Menu:
    """A menu that can only be looked at."""
    return Menu(rows=list(rows), single=single, live=live)


def service_ports(sip: Row, *, seven: bool) -> Menu:
    """The connection tracking helpers. Ids begin at ``*0`` on 6 and ``*1`` on 7: nobody may count on them."""
    names = HELPERS if seven else tuple(name for name in HELPERS if name != "rtsp")
    rows = []
    for number, name in enumerate(names, start=1 if seven else 0):
        off = {"invalid": "false", "disabled": "true" if seven and name in ("irc", "rtsp") else "false"}
        own = sip if name == "sip" else {"ports": PORTS[name], **off} if name in PORTS else off
        rows.append({".id": f"*{number:X}", "name": name, **own})
    writable: Readers = {
        "disabled": notation.truth,
        "ports": notation.ports,
        "sip-direct-media": notation.truth,
        "sip-timeout": lambda text: notation.span(notation.seconds(text)),
    }
    return Menu(rows=rows, writable=writable, verbs=EDIT)


def connection(number: int, protocol: str, source: str, target: str, *, now: float, lasts: float) -> Row:
    """
    One tracked connection through a masquerading NAT. ``lasts`` is how many seconds it is kept: inf for a
    stream whose packets go on.

    ``expires`` is ours: the moment at which it is forgotten; it is shown as ``timeout``.
    """
    port = source.rpartition(":")[2]
    return {
        ".id": f"*{number:X}",
        "protocol": protocol,
        "src-address": source,
        "dst-address": target,
        "reply-src-address": target,
        "reply-dst-address": f"198.51.100.7:{port}",
        "expires": str(now + lasts),
        "orig-packets": "12",
        "orig-bytes": "6912",
        "repl-packets": "11",
        "repl-bytes": "5104",
        "expected": "false",
        "seen-reply": "true",
        "assured": "true",
        "confirmed": "true",
        "dying": "false",
        "fasttrack": "false",
        "srcnat": "true",
        "dstnat": "false",
    }


def connection6(number: int, source: tuple[str, int], target: tuple[str, int], *, expires: float) -> Row:
    """One over UDP and IPv6, without NAT: there, the ports are properties of their own."""
    (address, port), (other, far) = source, target
    whole = connection(number, "udp", f":{port}", f":{far}", now=expires, lasts=0.0)
    ends = {"src-address": address, "src-port": str(port), "dst-address": other, "dst-port": str(far)}
    reply = {
        "reply-src-address": other,
        "reply-src-port": str(far),
        "reply-dst-address": address,
        "reply-dst-port": str(port),
    }
    return whole | ends | reply | {"srcnat": "false"}


def connections(chassis: Chassis) -> Menu:
    """The connection table; it is filled by what the phones and others do."""

    def live(row: Row) -> Row:
        left = max(0.0, float(row["expires"]) - chassis.now)
        left = STREAM_SECONDS if math.isinf(left) else left
        return {name: value for name, value in row.items() if name != "expires"} | {
            "timeout": notation.span(left)
        }

    return Menu(verbs=READ | {"remove"}, passing=True, live=live)


def users(chassis: Chassis) -> Menu:
    """Whoever has an account. Adding people is not for this twin."""
    rows = [
        {".id": f"*{number:X}", "name": name, "group": user.level, "address": "", "disabled": "false"}
        for number, (name, user) in enumerate(chassis.users.items(), start=1)
    ]
    return read_only(*rows, single=False)


def groups() -> Menu:
    """The groups and their policies."""
    rows = [
        {".id": f"*{number:X}", "name": name, "policy": policy, "skin": "default"}
        for number, (name, policy) in enumerate(GROUPS.items(), start=1)
    ]
    return read_only(*rows, single=False)


def fill(box: Box, *, version: str, board: str, sip: Row, nat: bool) -> None:
    """Put every menu in place but the scheduler's, which brings its own."""
    chassis, seven = box.chassis, not version.startswith("6.")

    def resource(row: Row) -> Row:
        return {"uptime": notation.span(chassis.uptime), **row}

    def clock(row: Row) -> Row:
        date = notation.day(chassis.now, iso=box.iso_dates)
        return {"time": notation.hour(chassis.now), "date": date, **row}

    masquerade = {".id": "*1", "chain": "srcnat", "action": "masquerade", "out-interface": "ether1"}
    counted = {
        "bytes": "88120",
        "packets": "310",
        "invalid": "false",
        "dynamic": "false",
        "disabled": "false",
    }

    def tracking(row: Row) -> Row:
        """Whoever looks is one of those that are tracked."""
        tables = [box.menus[path].rows for path in (CONNECTION, CONNECTION6) if path in box.menus]
        return {**row, "total-entries": str(sum(map(len, tables)) + (row["enabled"] != "no"))}

    settings = {"enabled": "auto", "udp-timeout": "30s" if seven else "10s"}
    settings |= {"udp-stream-timeout": notation.span(STREAM_SECONDS), "max-entries": "234856"}
    box.menus |= {
        SERVICE_PORT: service_ports(sip, seven=seven),
        CONNECTION: connections(chassis),
        f"{CONNECTION}/tracking": read_only(settings, live=tracking),
        **({CONNECTION6: connections(chassis)} if seven else {}),
        "/ip/firewall/nat": read_only(*([{**masquerade, **counted}] if nat else []), single=False),
        "/system/identity": Menu(
            rows=[{"name": chassis.name}], writable={"name": str}, verbs=READ | {"set"}, single=True
        ),
        "/system/resource": read_only(hardware(version, board), live=resource),
        "/system/routerboard": read_only(routerboard(version, board)),
        "/system/clock": read_only(
            {"time-zone-autodetect": "true", "time-zone-name": "UTC", "gmt-offset": "+00:00"}, live=clock
        ),
        SCRIPT: Menu(verbs=TABLE, writable=SCRIPTS),
        "/user": users(chassis),
        "/user/group": groups(),
        LOG: Menu(passing=True),
    }


def hardware(version: str, board: str) -> Row:
    """``/system resource``, without the uptime; sizes in bytes, as the API gives them."""
    return {
        "version": version,
        "build-time": "2023-12-20 10:00:00" if not version.startswith("6.") else "Dec/03/2021 10:00:00",
        "free-memory": "152043520",
        "total-memory": "268435456",
        "cpu": "MIPS 1004Kc V2.15",
        "cpu-count": "4",
        "cpu-frequency": "880",
        "cpu-load": "2",
        "free-hdd-space": "4194304",
        "total-hdd-space": "16777216",
        "write-sect-since-reboot": "2150",
        "write-sect-total": "90125",
        "bad-blocks": "0",
        "architecture-name": "mmips",
        "board-name": board,
        "platform": "MikroTik",
    }


def routerboard(version: str, board: str) -> Row:
    """``/system routerboard``."""
    number = version.split(maxsplit=1)[0]
    return {
        "routerboard": "true",
        "board-name": board,
        "model": "RB750Gr3",
        "serial-number": "AB12C3D4E5F6",
        "firmware-type": "mt7621L",
        "factory-firmware": "6.45",
        "current-firmware": number,
        "upgrade-firmware": number,
    }
