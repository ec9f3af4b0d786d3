"""
A real router: the Linux kernel's own NAT and SIP ALG between network namespaces, with OpenSSH in front.

::

    phone 192.168.88.10, .11 ── lan 192.168.88.1 │ router │ 203.0.113.1 wan ── far 203.0.113.10, .11

The router takes SSH on its LAN address as any router does; a port on loopback leads there. What it sends
on is what this machine's kernel makes of it, so it is the ground truth for every claim about packets.

Needs root (or ``unshare -Urnm``), a kernel with the SIP helper, and the Debian packages iproute2, nftables,
conntrack, openssh-server, openssh-client and util-linux. :func:`availability` says what is missing.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Literal

from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.relay import Relay
from sipalg_fix.lab.sshd import Sshd, SshDoor

PHONE = ("192.168.88.10", "192.168.88.11")
ROUTER_LAN = "192.168.88.1"
ROUTER_WAN = "203.0.113.1"
FAR = ("203.0.113.10", "203.0.113.11")

PLAIN = """\
#!/usr/sbin/nft -f
flush ruleset

table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan" masquerade
	}
}
table ip firewall {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "wan" ct state established,related accept
		iifname "wan" drop
	}
}
"""
"""A ruleset that only translates addresses. New packets from the WAN are dropped, as on any real router:
without that, an early packet from outside makes a connection of its own and the phone gets another port."""

ALG = """\
table ip alg {
	ct helper sip-udp {
		type "sip" protocol udp
		l3proto ip
	}

	ct helper sip-tcp {
		type "sip" protocol tcp
		l3proto ip
	}

	chain pre {
		type filter hook prerouting priority filter; policy accept;
		udp dport 5060 ct helper set "sip-udp"
		tcp dport 5060 ct helper set "sip-tcp"
	}
}
"""
"""The table that switches the SIP ALG on, for UDP and TCP port 5060."""

_PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "/usr/sbin/sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
}
_OPTIONS = (
    "OPTIONS sip:{far} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {phone}:{port};branch=z9hG4bKlab;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:100@{phone}:{port}>;tag=lab\r\n"
    "To: <sip:200@{far}>\r\n"
    "Call-ID: lab@{phone}\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "Contact: <sip:100@{phone}:{port}>\r\n"
    "Content-Length: 0\r\n\r\n"
)


class Wires:
    """Phone, router and far side without anything to log in to; made and removed within 0.1 s."""

    def __init__(self, ruleset: str) -> None:
        with ExitStack() as made:
            self.phone = made.enter_context(Namespace("phone"))
            self.kernel = made.enter_context(Namespace("router"))
            self.far = made.enter_context(Namespace("far side"))
            self._lay()
            self.kernel.run("nft", "-f", "-", stdin=ruleset)
            self._made = made.pop_all()

    def __enter__(self) -> Wires:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything."""
        self._made.close()

    def _lay(self) -> None:
        self.phone.join("eth0", self.kernel, "lan")
        self.far.join("eth0", self.kernel, "wan")
        for namespace, interface, addresses in (
            (self.phone, "eth0", PHONE),
            (self.far, "eth0", FAR),
            (self.kernel, "lan", (ROUTER_LAN,)),
            (self.kernel, "wan", (ROUTER_WAN,)),
        ):
            for address in addresses:
                namespace.run("ip", "address", "add", f"{address}/24", "dev", interface)
        self.phone.run("ip", "route", "add", "default", "via", ROUTER_LAN)
        self.far.run("ip", "route", "add", "default", "via", ROUTER_WAN)
        self.kernel.sysctl("net.ipv4.ip_forward", "1")

    def send_from_phone(
        self,
        payload: bytes,
        source_port: int,
        to_port: int,
        *,
        transport: Literal["udp", "tcp"] = "udp",
        patience: float = 1.0,
    ) -> bytes | None:
        """
        Send bytes from the phone to the far side: what arrived there, or None if nothing did.

        ``patience`` is how long to wait, in seconds. Over TCP, what arrived before the phone's end of the
        connection; a connection that is not made is an OSError, because then no SIP was sent.
        """
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        with (
            self.far.socket(socket.AF_INET, kind) as far,
            self.phone.socket(socket.AF_INET, kind) as phone,
        ):
            for end, address in ((far, (FAR[0], to_port)), (phone, (PHONE[0], source_port))):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                end.bind(address)
                end.settimeout(patience)
            try:
                if transport == "udp":
                    phone.sendto(payload, (FAR[0], to_port))
                    return far.recv(65535)
                return _over_tcp(payload, phone, far)
            except TimeoutError:
                return None


def _over_tcp(payload: bytes, phone: socket.socket, far: socket.socket) -> bytes | None:
    far.listen(1)
    phone.connect(far.getsockname())
    accepted, _ = far.accept()
    with accepted:
        accepted.settimeout(far.gettimeout())
        phone.sendall(payload)
        phone.shutdown(socket.SHUT_WR)
        arrived = b""
        try:
            while data := accepted.recv(65535):
                arrived += data
        except TimeoutError:
            pass  # the ALG dropped a segment: what came before it is the answer
        return arrived or None


class RealRouter:
    """
    The router, for use with ``with``. ``directory`` must exist and gets its private files.

    ``startup`` is its /etc/nftables.conf, loaded when it starts. Errors are OSError.
    """

    def __init__(self, directory: Path, startup: str = PLAIN + ALG) -> None:
        self.directory = directory
        self._startup = startup

    def __enter__(self) -> RealRouter:
        with ExitStack() as made:
            self.wires = made.enter_context(Wires(self._startup))
            self._sshd = Sshd(self.directory, self.wires.kernel, ROUTER_LAN)
            (self.etc / "nftables.conf").write_text(self._startup)
            made.callback(self._sshd.stop)
            self._sshd.start()
            _need_loopback()
            relay = made.enter_context(Relay(self.wires.phone, (ROUTER_LAN, 22)))
            self.ssh = SshDoor(
                host="127.0.0.1",
                port=relay.port,
                user="root",
                password=self._sshd.password,
                key_file=self._sshd.key_file,
                host_key=self._sshd.host_key,
            )
            self._made = made.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._made.close()

    @property
    def etc(self) -> Path:
        """The router's /etc, as a directory of this machine."""
        return self._sshd.etc

    @property
    def phone(self) -> Namespace:
        """Where phones are."""
        return self.wires.phone

    @property
    def far(self) -> Namespace:
        """Where the provider is."""
        return self.wires.far

    def send_from_phone(
        self,
        payload: bytes,
        source_port: int,
        to_port: int,
        *,
        transport: Literal["udp", "tcp"] = "udp",
        patience: float = 1.0,
    ) -> bytes | None:
        """See :meth:`Wires.send_from_phone`."""
        return self.wires.send_from_phone(
            payload, source_port, to_port, transport=transport, patience=patience
        )

    def ruleset(self) -> str:
        """The kernel's rules now, as ``nft list ruleset`` prints them."""
        return self.wires.kernel.run("nft", "list", "ruleset")

    def flows(self) -> list[str]:
        """The connections that the kernel tracks now, one line each as ``conntrack -L`` prints them."""
        return self.wires.kernel.run("conntrack", "-L").splitlines()

    def restart(self) -> None:
        """
        What a power cycle does to rules, connections and sessions; files in /etc stay.

        Not a boot of a kernel: boot_id and uptime are this machine's and go on.
        """
        self._sshd.stop()
        self.wires.kernel.run("nft", "flush", "ruleset")
        self.wires.kernel.run("conntrack", "-F")
        self._sshd.start()

    @property
    def process(self) -> int:
        """The process that all of the router's hang on: they end when it ends."""
        return self._sshd.process

    def log(self) -> str:
        """What the SSH server has logged."""
        return self._sshd.log()


def _need_loopback() -> None:
    # In a namespace just made by `unshare -n`, loopback is down; anywhere else it is up.
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        if client.connect_ex(server.getsockname()) == 0:
            return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)


def options(source_port: int) -> bytes:
    """An OPTIONS of the phone's, whose Via and Contact name the port that it is sent from."""
    return _OPTIONS.format(far=FAR[0], phone=PHONE[0], port=source_port).encode()


@cache
def availability() -> str:
    """
    An empty string if a real router can be made here, otherwise what is missing, for people.

    It tries: an OPTIONS must arrive altered through the ALG, and unaltered through plain NAT.
    """
    if not sys.platform.startswith("linux"):
        return "the real router needs Linux"
    missing = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"programs are missing: apt-get install {' '.join(missing)}"
    try:
        Namespace("a try").close()
    except OSError as why:
        return f"{why} (root is needed, or `unshare -Urnm`)"
    try:
        with Wires(PLAIN) as wires:
            message = options(40000)
            if wires.send_from_phone(message, 40000, 5060) != message:
                return "the lab is broken: a message is altered or lost without any SIP ALG"
            wires.kernel.run("nft", "-f", "-", stdin=ALG)
            message = options(40001)
            if wires.send_from_phone(message, 40001, 5060) == message:
                return "the lab could not make an ALG: a message passes the kernel's SIP helper unaltered"
    except OSError as why:
        return f"this kernel cannot be a router with a SIP ALG: {why}"
    return ""
