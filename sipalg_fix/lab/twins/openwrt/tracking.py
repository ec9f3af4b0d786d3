"""
The connections that the kernel tracks: phones talk, and what the rules then said stays with a connection.

A helper keeps its connections for an hour, all others go after the stream timeout (nf_conntrack_sip.c;
recorded). OpenWrt's kernel forgets an address that is written to /proc/net/nf_conntrack, and all for ``f``
(its patch netfilter_conntrack_flush).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.openwrt.firewall import Loaded

WAN, REGISTRAR = "203.0.113.1", "203.0.113.9"
STREAM, HELPED, EXPECTED = 180, 3600, 600
TALK = 25.0
"""Seconds between two packets of a phone."""
SAYS = "conntrack v1.4.7 (conntrack-tools): "


@dataclass(slots=True, kw_only=True)
class Flow:
    """
    A tracked connection of a phone; ``expected``: a call's media, foreseen by the helper; ``passes``: packets
    go through it all the time.
    """

    source: str
    port: int
    helped: bool
    seen: float
    far: int = 5060
    expected: bool = False
    passes: bool = False


@dataclass(slots=True, kw_only=True)
class Tracking:
    """``phones`` are (address, source port); ``at_boot`` is what the last boot loaded, for ``stay_on``."""

    chassis: Chassis
    phones: list[tuple[str, int]]
    rules: Loaded = field(default_factory=Loaded)
    at_boot: Loaded = field(default_factory=Loaded)
    flows: list[Flow] = field(default_factory=list)
    spoke: float = 0.0

    def begin(self) -> None:
        """The box has started: nothing is tracked, and the phones register."""
        self.flows = []
        self.spoke = self.chassis.now - TALK
        self.talk()

    @property
    def in_force(self) -> Loaded:
        """The rules that work."""
        return self.at_boot if self.chassis.switches.stay_on else self.rules

    def talk(self) -> None:
        """Let the phones have said what they say until now."""
        now = self.chassis.now
        for each in self.flows:
            each.seen = now if each.passes else each.seen
        self.flows = [flow for flow in self.flows if flow.seen + self._timeout(flow) > now]
        if now < self.spoke + TALK and self.flows:
            return
        self.spoke = now
        for source, port in self.phones:
            flow = next((each for each in self.flows if (each.source, each.port) == (source, port)), None)
            if flow is None:
                helped = "5060" in self.in_force.sip_ports()
                self.flows.append(Flow(source=source, port=port, helped=helped, seen=now))
            else:
                flow.seen = now

    def _timeout(self, flow: Flow) -> int:
        return HELPED if flow.helped else STREAM

    def ends(self, flow: Flow) -> str:
        """Both directions, as both lists print them."""
        return (
            f"src={flow.source} dst={REGISTRAR} sport={flow.port} dport={flow.far} "
            f"src={REGISTRAR} dst={WAN} sport={flow.far} dport={flow.port}"
        )

    def left(self, flow: Flow) -> int:
        """Seconds until it is forgotten."""
        return max(0, int(flow.seen + self._timeout(flow) - self.chassis.now) - 1)

    def proc(self) -> str:
        """/proc/net/nf_conntrack: it does not name helpers."""
        self.talk()
        return "".join(
            f"ipv4     2 udp      17 {self.left(flow)} {self.ends(flow)} [ASSURED] mark=0 zone=0 use=2\n"
            for flow in self.flows
        )

    def expected(self) -> str:
        """/proc/net/nf_conntrack_expect: the signalling of each phone that a helper follows."""
        self.talk()
        return "".join(
            f"{EXPECTED} l3proto = 2 proto=17 src={REGISTRAR} dst={WAN} sport=0 dport={flow.port} "
            "PERMANENT sip/signalling\n"
            for flow in self.flows
            if flow.helped
        )

    def write(self, text: str) -> None:
        """What is written to /proc/net/nf_conntrack: ``f``, or an address."""
        word = text.strip()
        if not word:
            return
        if word != "f" and not re.fullmatch(r"[\d.]+|[\da-f:]+", word):
            raise OSError(22, "Invalid argument")
        self.forget([flow for flow in self.flows if word in ("f", flow.source, REGISTRAR, WAN)])

    def forget(self, gone: list[Flow]) -> None:
        """These connections are deleted; the next packet makes them anew."""
        self.flows = [flow for flow in self.flows if not any(flow is each for each in gone)]
        self.spoke = min(self.spoke, self.chassis.now - TALK)
        if gone:
            self.chassis.wrote()


def conntrack(call: Call, tracking: Tracking) -> int:
    """``-L`` and ``-D`` of the package conntrack, in its words (recorded)."""
    tracking.talk()
    rest = call.arguments[1:]
    verb = rest.pop(0) if rest else ""
    wanted = dict(zip(rest[::2], rest[1::2], strict=False))
    if (
        verb not in ("-L", "-D")
        or len(rest) % 2
        or not wanted.keys() <= {"-f", "-p", "-s", "-d", "-u", "--sport", "--dport"}
    ):
        call.err(f"conntrack v1.4.7 (conntrack-tools): unknown option `{verb}'\n")
        return 2
    flows = [flow for flow in tracking.flows if _matches(flow, wanted)]
    lines = "".join(
        f"udp      17 {tracking.left(flow)} {tracking.ends(flow)} [ASSURED] mark=0 "
        f"{'helper=sip ' if flow.helped else ''}use=1\n"
        for flow in flows
    )
    call.err(f"{SAYS}{len(flows)} flow entries have been {'shown' if verb == '-L' else 'deleted'}.\n")
    call.out(lines)
    if verb == "-D":
        tracking.forget(flows)
        return int(not flows)
    return 0


def _matches(flow: Flow, wanted: dict[str, str]) -> bool:
    actual = {
        "-f": "ipv4",
        "-p": "udp",
        "-s": flow.source,
        "-d": REGISTRAR,
        "--sport": str(flow.port),
        "--dport": str(flow.far),
        "-u": "EXPECTED" if flow.expected else "",
    }
    return all(actual[name] == value for name, value in wanted.items())
