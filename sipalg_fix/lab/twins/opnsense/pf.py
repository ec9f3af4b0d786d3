"""
The packet filter of the virtual OPNsense: port forwards, the rules loaded from them, and states.

What is configured and what is loaded are two things: a change acts when the filter is reloaded, or at
boot. Sources: the model ``DNat.xml`` and ``DNatController.php`` of opnsense/core for the rows of the
API; pfctl's own printing (FreeBSD, sbin/pfctl) for the rules, where a destination port has its name
from /etc/services (``sip``) and a target's has its number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from sipalg_fix.lab import pf

WAN_ADDRESS = "198.51.100.7"
REGISTRAR = "203.0.113.10:5060"
DEVICES = {"lan": "em1", "wan": "em0"}
SERVICES = {"22": "ssh", "80": "http", "443": "https", "500": "isakmp", "5060": "sip", "5061": "sips"}


@dataclass(slots=True, kw_only=True)
class Forward:
    """A destination NAT rule, as an administrator made it."""

    uuid: str
    sequence: int
    description: str
    port: str = "5060"
    target: str = "127.0.0.1"
    target_port: str = "5060"
    interface: str = "lan"
    protocol: str = "udp"
    disabled: bool = False

    def rule(self) -> str:
        """The rule that pf is given."""
        device = DEVICES[self.interface]
        port = SERVICES.get(self.port, self.port)
        what = f"rdr on {device} inet proto {self.protocol} from any to any port = {port}"
        return f"{what} -> {self.target} port {self.target_port}"

    def row(self) -> dict[str, Any]:
        """The row that ``d_nat/search_rule`` gives."""
        return {
            "uuid": self.uuid,
            "sequence": str(self.sequence),
            "disabled": str(int(self.disabled)),
            "nordr": "0",
            "interface": self.interface,
            "%interface": self.interface.upper(),
            "ipprotocol": "inet",
            "%ipprotocol": "IPv4",
            "protocol": self.protocol,
            "%protocol": self.protocol.upper(),
            "source.network": "any",
            "source.port": "",
            "source.not": "0",
            "destination.network": "any",
            "destination.port": self.port,
            "destination.not": "0",
            "target": self.target,
            "local-port": self.target_port,
            "poolopts": "",
            "log": "0",
            "category": "",
            "descr": self.description,
            "tag": "",
            "tagged": "",
            "nosync": "0",
            "natreflection": "",
            "pass": "rule",
            "category_colors": [],
            "sort_order": f"400000.0{self.sequence:06d}",
            "prio_group": "400000",
        }

    def as_xml(self, indent: str) -> str:
        """The element as it stands in config.xml."""
        inner = {"interface": self.interface, "ipprotocol": "inet", "protocol": self.protocol}
        inner |= {"target": self.target, "local-port": self.target_port, "descr": self.description}
        lines = [f'<rule uuid="{self.uuid}">', f"  <sequence>{self.sequence}</sequence>"]
        lines += ["  <disabled>1</disabled>"] if self.disabled else []
        lines += [f"  <{name}>{escape(text)}</{name}>" for name, text in inner.items()]
        lines += ["  <source><network>any</network></source>"]
        lines += [f"  <destination><network>any</network><port>{self.port}</port></destination>", "</rule>"]
        return "".join(f"{indent}{line}\n" for line in lines)


def lockout(number: int, port: str) -> dict[str, Any]:
    """A rule that OPNsense makes for itself, so that nobody forwards the web interface away."""
    return {
        "uuid": f"lockout_{number}",
        "ipprotocol": "",
        "protocol": "tcp",
        "%protocol": "TCP",
        "disabled": "0",
        "nordr": "1",
        "interface": "lan",
        "%interface": "LAN",
        "destination.network": "lanip",
        "destination.port": port,
        "descr": "Anti-Lockout Rule",
        "is_automatic": True,
        "sort_order": f"100000.0{number:06d}",
        "prio_group": "100000",
    }


@dataclass(slots=True, kw_only=True)
class State:
    """
    One entry of the state table. ``inside`` began it; ``via`` is what NAT or rdr made of it, if anything.

    ``out`` entries are those seen leaving by the WAN, the others those seen coming in from the LAN.
    """

    number: int
    inside: str
    peer: str
    via: str = ""
    out: bool = False
    protocol: str = "udp"
    status: str = "MULTIPLE:MULTIPLE"

    def line(self) -> str:
        """As ``pfctl -ss`` prints it."""
        if self.out:
            ends = (
                f"{self.via} ({self.inside}) -> {self.peer}" if self.via else f"{self.inside} -> {self.peer}"
            )
        elif self.via:
            ends = f"{self.via} ({self.peer}) <- {self.inside}"
        else:
            ends = f"{self.peer} <- {self.inside}"
        return f"all {self.protocol} {ends}       {self.status}"

    def row(self) -> dict[str, Any]:
        """As ``diagnostics/firewall/query_states`` gives it."""
        nat = (self.inside if self.out else self.peer) if self.via else ""
        source = (self.via or self.inside) if self.out else self.inside
        target = self.peer if self.out else (self.via or self.peer)
        return {
            "label": "",
            "descr": "",
            "nat_addr": nat.partition(":")[0] or None,
            "nat_port": nat.partition(":")[2] or None,
            "iface": "all",
            "proto": self.protocol,
            "ipproto": "ipv4",
            "direction": "out" if self.out else "in",
            "dst_addr": target.partition(":")[0],
            "dst_port": target.partition(":")[2],
            "src_addr": source.partition(":")[0],
            "src_port": source.partition(":")[2],
            "state": self.status,
            "id": f"{self.number:016x}/f00dcafe",
            "interface": "all",
        }

    def text(self) -> str:
        """What a search phrase is looked for in."""
        return " ".join(str(value) for value in self.row().values() if value).lower()


@dataclass(slots=True, kw_only=True)
class Filter:
    """pf as it runs: the forwards that are loaded, and the states."""

    loaded: tuple[str, ...] = ()
    to_proxy: bool = False
    """Do the loaded rules send the phones to the proxy on this box?"""
    states: list[State] = field(default_factory=list)
    streams: list[pf.Stream] = field(default_factory=list)
    _next: int = 0x6730_0000_0000_0001

    def load(self, forwards: Iterable[Forward]) -> None:
        """Take the rules as they are configured now; states that exist stay."""
        active = [forward for forward in forwards if not forward.disabled]
        self.loaded = tuple(forward.rule() for forward in active)
        self.to_proxy = any((f.port, f.target) == ("5060", "127.0.0.1") for f in active)

    def rules(self) -> str:
        """``pfctl -sn``."""
        lan, wan = DEVICES["lan"], DEVICES["wan"]
        lines = [
            "no nat proto carp all",
            f"nat on {wan} inet from ({lan}:network) to any port = isakmp -> ({wan}:0) static-port",
            f"nat on {wan} inet from ({lan}:network) to any -> ({wan}:0) port 1024:65535",
            "no rdr proto carp all",
            *(f"no rdr on {lan} proto tcp from any to ({lan}) port = {p}" for p in ("ssh", "http", "https")),
            *self.loaded,
        ]
        return "".join(f"{line}\n" for line in lines)

    def add(self, inside: str, peer: str, **more: Any) -> None:
        """A packet passed: there is a state now, with ``more`` of what :class:`State` has."""
        self.states.append(State(number=self._next, inside=inside, peer=peer, **more))
        self._next += 1

    def register(self, phone: str, *, proxy: bool) -> None:
        """
        A phone registers: by way of the proxy if the rules send it there, else by NAT alone.

        A rule that sends it to a proxy that does not run sends it nowhere.
        """
        if any(state.inside == phone for state in self.states):
            return
        if self.to_proxy:
            status = "MULTIPLE:MULTIPLE" if proxy else "NO_TRAFFIC:SINGLE"
            self.add(phone, REGISTRAR, via="127.0.0.1:5060", status=status)
            if proxy and not any(state.inside == f"{WAN_ADDRESS}:5060" for state in self.states):
                self.add(f"{WAN_ADDRESS}:5060", REGISTRAR, out=True)
            return
        self.add(phone, REGISTRAR)
        self.add(phone, REGISTRAR, via=f"{WAN_ADDRESS}:{40_000 + len(self.states)}", out=True)

    def table(self, now: float) -> list[tuple[str, int]]:
        """Each state in pfctl's words, and how long it still is there."""
        known = [(state.line(), 60 if state.protocol == "udp" else 86_400) for state in self.states]
        return [*known, *pf.passing(self.streams, now, 60)]

    def kill(self, source: str, target: str = "") -> int:
        """Forget the states that this host began (to that host); gives how many there were."""
        doomed = [
            state
            for state in self.states
            if state.inside.partition(":")[0] == source
            and target in ("", state.peer.partition(":")[0], state.via.partition(":")[0])
        ]
        self.states = [state for state in self.states if state not in doomed]
        return len(doomed)
