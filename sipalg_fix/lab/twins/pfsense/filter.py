"""
pf on the virtual pfSense: the rules that are loaded, and the states of phones.

The redirect is what the package's siproxd_generate_rules writes, in the words of pfctl, which gives a port by
its name where /etc/services has one. A state outlives the rule that made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sipalg_fix.lab import pf

WAN, REGISTRAR = "198.51.100.7", "203.0.113.10:5060"
DEVICES = {"lan": "em1", "wan": "em0", "opt1": "em2"}
NAMES = {"5060": "sip", "5061": "sips"}


@dataclass(slots=True, kw_only=True)
class State:
    """``proxied`` was sent to the proxy by a redirect to this port; empty for one that goes by NAT alone."""

    phone: str
    proxied: str = ""

    def lines(self) -> list[str]:
        """As ``pfctl -ss`` prints it."""
        if self.proxied:
            return [
                f"all udp 127.0.0.1:{self.proxied} ({REGISTRAR}) <- {self.phone}:5060       MULTIPLE:MULTIPLE"
            ]
        port = 40_000 + int(self.phone.rpartition(".")[2])
        return [
            f"all udp {REGISTRAR} <- {self.phone}:5060       MULTIPLE:MULTIPLE",
            f"all udp {WAN}:{port} ({self.phone}:5060) -> {REGISTRAR}       MULTIPLE:MULTIPLE",
        ]


@dataclass(slots=True, kw_only=True)
class Filter:
    """``redirects`` are (interface, port) of the rules that send SIP to the proxy."""

    redirects: list[tuple[str, str]] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    streams: list[pf.Stream] = field(default_factory=list)
    optimization: str = ""

    def rules(self) -> str:
        """``pfctl -sn``."""
        lines = [
            "no nat proto carp all",
            "nat on em0 inet from 192.168.1.0/24 to any port = isakmp -> 198.51.100.7 static-port",
            "nat on em0 inet from 192.168.1.0/24 to any -> 198.51.100.7 port 1024:65535",
            "no rdr proto carp all",
        ]
        for interface, port in self.redirects:
            device, named = DEVICES.get(interface, interface), NAMES.get(port, port)
            lines.append(
                f"rdr on {device} inet proto udp from any to ! ({device}) port = {named} "
                f"-> 127.0.0.1 port {port}"
            )
        return "".join(f"{line}\n" for line in lines)

    def timeouts(self) -> str:
        """``pfctl -st``, as far as UDP goes."""
        return pf.timeouts(*self._udp)

    @property
    def _udp(self) -> tuple[int, int, int]:
        """First, single, multiple."""
        return (300, 150, 900) if self.optimization == "conservative" else (60, 30, 60)

    def register(self, phones: tuple[str, ...]) -> None:
        """The phones speak; one that has a state keeps it."""
        for phone in phones:
            if not any(state.phone == phone for state in self.states):
                port = "5060" if ("lan", "5060") in self.redirects else ""
                self.states.append(State(phone=phone, proxied=port))

    def table(self, now: float) -> list[tuple[str, int]]:
        """Each state, and how long it still is there."""
        own = "all tcp 192.168.1.1:22 <- 192.168.1.10:51022       ESTABLISHED:ESTABLISHED"
        multiple = self._udp[2]
        phones = [(line, multiple) for state in self.states for line in state.lines()]
        return [(own, 86_400), *phones, *pf.passing(self.streams, now, multiple)]

    def kill(self, phone: str) -> int:
        """``pfctl -k``: the states that this address began; how many there were."""
        gone = [state for state in self.states if state.phone == phone]
        self.states = [state for state in self.states if state.phone != phone]
        return sum(len(state.lines()) for state in gone)
