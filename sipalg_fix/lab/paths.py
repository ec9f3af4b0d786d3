"""
Paths between a phone and the far side, through one router or two, made of rulesets for this machine's kernel.

::

    phone 192.168.88.10 ── router ── far 203.0.113.10
    phone 192.168.88.10 ── inner router ── 10.64.0.0/24 ── outer router ── far 203.0.113.10

IPv6 beside it: the phone is fd00:88::10, the far side 2001:db8:113::10. Routers' interfaces are called
``lan`` and ``wan``. Needs what the real router needs; errors are OSError.
"""

from __future__ import annotations

from contextlib import ExitStack

from sipalg_fix.lab.netns import Namespace

PHONE = "192.168.88.10"
PHONE6 = "fd00:88::10"
FAR = "203.0.113.10"
FAR6 = "2001:db8:113::10"
PUBLIC = "203.0.113.1"

FIREWALL = """\
table inet firewall {
	chain input {
		type filter hook input priority filter; policy accept;
		meta l4proto ipv6-icmp accept
		iifname "wan" ct state established,related accept
		iifname "wan" drop
	}
}
"""
"""What every router does with new packets from outside that are for itself."""

RANDOM_PORTS = """\
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan" masquerade fully-random
	}
}
"""
NAT66 = """\
table ip6 nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan" masquerade
	}
}
"""
ALG6 = """\
table ip6 alg {
	ct helper sip-udp6 {
		type "sip" protocol udp
		l3proto ip6
	}

	ct helper sip-tcp6 {
		type "sip" protocol tcp
		l3proto ip6
	}

	chain pre {
		type filter hook prerouting priority filter; policy accept;
		udp dport 5060 ct helper set "sip-udp6"
		tcp dport 5060 ct helper set "sip-tcp6"
	}
}
"""
BLOCKED = """\
table inet block {
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "lan" meta l4proto { tcp, udp } th dport { 5060, 5061 } drop
	}
}
"""
REJECTED = """\
table inet block {
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "lan" tcp dport { 5060, 5061 } reject with tcp reset
		iifname "lan" udp dport 5060 reject
	}
}
"""
REPLIES_BLOCKED = """\
table inet block {
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "wan" meta l4proto { tcp, udp } th sport { 5060, 5061 } drop
	}
}
"""
ALL_BLOCKED = """\
table inet block {
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
"""
MEDDLE = """\
table ip meddle {
	chain pre {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "lan" udp dport 5060 redirect to :15060
	}
}
"""
"""Leads SIP over UDP to a program on the router, as routers with a SIP ALG in user space do."""
MEDDLE_PORT = 15060


def loss(percent: int) -> str:
    """A ruleset that drops this share of all forwarded packets, in both directions, control channel too."""
    return f"""\
table inet loss {{
	chain forward {{
		type filter hook forward priority filter; policy accept;
		numgen random mod 100 < {percent} drop
	}}
}}
"""


class Chain:
    """Phone, one router or two (inner first), far side; a ruleset for each router. For use with ``with``."""

    def __init__(self, *rulesets: str) -> None:
        with ExitStack() as made:
            self.phone = made.enter_context(Namespace("phone"))
            self.routers = [made.enter_context(Namespace(f"router {n}")) for n, _ in enumerate(rulesets)]
            self.far = made.enter_context(Namespace("far side"))
            self._lay()
            for router, ruleset in zip(self.routers, rulesets, strict=True):
                router.run("nft", "-f", "-", stdin=ruleset)
            self._made = made.pop_all()

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything."""
        self._made.close()

    def flush(self) -> None:
        """Have all routers forget the connections that they track."""
        for router in self.routers:
            router.run("conntrack", "-F")

    def load(self, ruleset: str, router: int = 0) -> None:
        """Give a router other rules; connections that it tracks stay as they are."""
        self.routers[router].run("nft", "-f", "-", stdin="flush ruleset\n" + ruleset)

    def _lay(self) -> None:
        nets = [("192.168.88", "fd00:88"), ("10.64.0", "fd00:64"), ("203.0.113", "2001:db8:113")]
        if len(self.routers) == 1:
            del nets[1]
        for each in (self.phone, *self.routers, self.far):
            # Nobody else can have these addresses; without this, IPv6 is silent for its first two seconds.
            each.sysctl("net.ipv6.conf.default.accept_dad", "0")
        for each in self.routers:
            each.sysctl("net.ipv4.ip_forward", "1")
            each.sysctl("net.ipv6.conf.all.forwarding", "1")
        line: list[tuple[Namespace, str, str]] = [(self.phone, "", "eth0")]
        line += [(router, "lan", "wan") for router in self.routers]
        line.append((self.far, "eth0", ""))
        for place, (v4, v6) in enumerate(nets):
            (left, _, out), (right, into, _) = line[place], line[place + 1]
            left.join(out, right, into)
            near, beyond = ("1", "10") if right is self.far else ("10" if left is self.phone else "2", "1")
            for side, interface, host in ((left, out, near), (right, into, beyond)):
                side.run("ip", "address", "add", f"{v4}.{host}/24", "dev", interface)
                side.run("ip", "-6", "address", "add", f"{v6}::{host}/64", "dev", interface, "nodad")
        self._route(nets)

    def _route(self, nets: list[tuple[str, str]]) -> None:
        for side, (v4, v6) in ((self.phone, nets[0]), (self.far, nets[-1])):
            side.run("ip", "route", "add", "default", "via", f"{v4}.1")
            side.run("ip", "-6", "route", "add", "default", "via", f"{v6}::1")
        if len(self.routers) > 1:
            inner, outer = self.routers
            inner.run("ip", "route", "add", "default", "via", "10.64.0.1")
            inner.run("ip", "-6", "route", "add", "default", "via", "fd00:64::1")
            outer.run("ip", "route", "add", "192.168.88.0/24", "via", "10.64.0.2")
            outer.run("ip", "-6", "route", "add", "fd00:88::/64", "via", "fd00:64::2")
