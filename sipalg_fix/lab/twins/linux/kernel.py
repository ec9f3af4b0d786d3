"""
The kernel of a Linux router: modules, rules, and the connections that it tracks.

A helper is attached to a connection by its first packet and stays with it, whatever becomes of the rule
(measured); it goes when the connection is deleted, or when nf_conntrack_sip is unloaded (recorded).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.linux.expression import Packet
from sipalg_fix.lab.twins.linux.ruleset import Ruleset

CONNTRACK_SIP, NAT_SIP = "nf_conntrack_sip", "nf_nat_sip"
WAN = "203.0.113.1"
REGISTRAR = "203.0.113.9"
TALK = 25.0
"""Seconds between two packets of a phone."""
PLAIN_TIMEOUT, STREAM_TIMEOUT, HELPER_TIMEOUT, EXPECT_TIMEOUT = 30.0, 120.0, 3600.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What lsmod says of a module, besides who uses it: recorded from Debian's 6.1.0-56-cloud-amd64."""

    size: int
    needs: tuple[str, ...] = ()


MODULES = {
    "nfnetlink": Module(size=20480),
    "libcrc32c": Module(size=16384),
    "nf_tables": Module(size=307200, needs=("nfnetlink", "libcrc32c")),
    "nf_defrag_ipv4": Module(size=16384),
    "nf_defrag_ipv6": Module(size=24576),
    "nf_conntrack": Module(size=188416, needs=("nf_defrag_ipv6", "nf_defrag_ipv4", "libcrc32c")),
    "nf_nat": Module(size=57344, needs=("nf_conntrack", "libcrc32c")),
    "nft_chain_nat": Module(size=16384, needs=("nf_tables", "nf_nat")),
    "nft_masq": Module(size=16384, needs=("nf_tables", "nf_conntrack", "nf_nat")),
    CONNTRACK_SIP: Module(size=45056, needs=("nf_conntrack",)),
    NAT_SIP: Module(size=20480, needs=(CONNTRACK_SIP, "nf_conntrack", "nf_nat")),
    "nft_objref": Module(size=16384, needs=("nf_tables",)),
    "nft_ct": Module(size=24576, needs=("nf_tables", "nf_conntrack")),
    "nf_conntrack_ftp": Module(size=24576, needs=("nf_conntrack",)),
}
AT_BOOT = (
    "nfnetlink",
    "libcrc32c",
    "nf_tables",
    "nf_defrag_ipv4",
    "nf_defrag_ipv6",
    "nf_conntrack",
    "nf_nat",
)


@dataclass(slots=True, kw_only=True)
class Flow:
    """A tracked connection. ``seen`` is when its last packet came."""

    packet: Packet
    helper: str
    seen: float
    expected: bool = False
    """Is it a call's media, which a helper had foreseen?"""
    passes: bool = False
    """Do packets go through it in both directions all the time?"""

    @property
    def timeout(self) -> float:
        """How long it lives without packets."""
        plain = STREAM_TIMEOUT if self.passes else PLAIN_TIMEOUT
        return HELPER_TIMEOUT if self.helper else plain


@dataclass(slots=True, kw_only=True)
class Phone:
    """A phone behind the router, that sends a packet to its registrar every :data:`TALK` seconds."""

    packet: Packet
    spoke: float


class ModuleInUse(Exception):
    """``holders`` are the modules that use it; there may be none, only rules."""

    def __init__(self, holders: list[str]) -> None:
        super().__init__(holders)
        self.holders = holders


@dataclass(slots=True, kw_only=True)
class Kernel:
    """``release`` as uname has it; ``loadable`` is False where the SIP helper is built in."""

    chassis: Chassis
    release: str
    loadable: bool
    automatic: bool | None = None
    """net.netfilter.nf_conntrack_helper; None where the kernel has no such switch."""
    rules: Ruleset = field(default_factory=Ruleset)
    at_boot: Ruleset = field(default_factory=Ruleset)
    """The rules that the last boot loaded: what goes on working while the switch stay_on is on."""
    loaded: list[str] = field(default_factory=list)
    modules_disabled: bool = False
    changed: Callable[[], None] = lambda: None
    """Called when modules have come or gone."""
    flows: list[Flow] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)

    # Modules.

    def has(self, module: str) -> bool:
        """Is it there, loaded or built in?"""
        return not self.loadable or module in self.loaded

    def load(self, module: str) -> None:
        """Load a module and what it needs; one that is loaded stays as it is."""
        for needed in MODULES[module].needs:
            if needed not in self.loaded:
                self.load(needed)
        if module not in self.loaded:
            self.loaded.append(module)
            self.changed()

    def holders(self, module: str) -> list[str]:
        """The loaded modules that use it, in the order in which they were loaded."""
        return [each for each in self.loaded if module in MODULES[each].needs]

    def uses(self, module: str) -> int:
        """How often it is in use, by modules and by rules."""
        rules = 0
        if module == CONNTRACK_SIP:
            rules = self.rules.helper_kinds().count("sip")
        elif module in ("nft_masq", "nft_ct"):
            word = {"nft_masq": "masquerade", "nft_ct": "ct "}[module]
            rules = sum(
                any(part.text.startswith(word) for part in rule.parts) for *_, rule in self.rules.rules()
            )
        return len(self.holders(module)) + rules

    def unload(self, module: str) -> None:
        """Take a module out; ModuleInUse if it cannot go, KeyError if it is not there."""
        if module not in self.loaded:
            raise KeyError(module)
        if self.uses(module):
            raise ModuleInUse(self.holders(module))
        self.loaded.remove(module)
        self.changed()
        if module == CONNTRACK_SIP:
            for flow in self.flows:
                flow.helper = ""

    def want_modules(self) -> None:
        """Load what the rules need, as the kernel does on demand."""
        if not self.loadable:
            return
        for *_, rule in self.rules.rules():
            for part in rule.parts:
                if part.text.startswith("ct "):
                    self.load("nft_ct")
                if part.kind == "helper":
                    self.load("nft_objref")
                if part.text == "masquerade":
                    self.load("nft_chain_nat")
                    self.load("nft_masq")

    # Connections.

    def talk(self) -> None:
        """Let the phones have said what they say until now, and forget what has been silent too long."""
        now = self.chassis.now
        for phone in self.phones:
            rounds = int((now - phone.spoke) // TALK)
            if rounds > 0:
                phone.spoke += rounds * TALK
                self.send(phone.packet, at=phone.spoke)
        for flow in self.flows:
            flow.seen = now if flow.passes else flow.seen
        self.flows = [flow for flow in self.flows if flow.seen + flow.timeout > now]

    def send(self, packet: Packet, at: float | None = None) -> Flow:
        """A packet goes through: the connection it belongs to, made if need be."""
        when = self.chassis.now if at is None else at
        for flow in self.flows:
            if flow.packet == packet:
                flow.seen = when
                return flow
        flow = Flow(packet=packet, helper=self._helper(packet), seen=when)
        self.flows.append(flow)
        return flow

    def alters(self, flow: Flow) -> bool:
        """Does the router rewrite this connection's SIP?"""
        return flow.helper == "sip" and self.has(NAT_SIP)

    def _helper(self, packet: Packet) -> str:
        if not self.has(CONNTRACK_SIP):
            return ""
        rules = self.at_boot if self.chassis.switches.stay_on else self.rules
        if self.automatic and packet.dport == 5060:
            return "sip"
        return rules.helper_of(packet)

    def forget(self, gone: list[Flow]) -> None:
        """Connections are deleted; with the switch stay_on the next packet finds the helper again."""
        self.flows = [flow for flow in self.flows if not any(flow is each for each in gone)]
        if self.chassis.switches.stay_on:
            for flow in gone:
                if flow.helper:
                    self.send(flow.packet)
