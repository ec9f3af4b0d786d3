"""
What siproxd shows of itself on a virtual firewall: its file, and its sockets as FreeBSD lists them.

Sources: siproxd's rtpproxy_relay.c and sock.c for which sockets it holds, FreeBSD's sockstat.c for how they
are printed.
"""

from __future__ import annotations

from collections.abc import Iterable

FILE = "/usr/local/etc/siproxd.conf"
FORMAT = "{:<8} {:<10} {:>5} {:<3} {:<6} {:<21} {:<21}\n"
HEAD = FORMAT.format("USER", "COMMAND", "PID  ", "FD", "PROTO", "LOCAL ADDRESS", "FOREIGN ADDRESS")
OTHERS = (("root", "unbound", 39_211, 5, "127.0.0.1:53"), ("root", "syslogd", 38_114, 7, "*:514"))
INSIDE, OUTSIDE = "192.168.1.1", "198.51.100.7"

Media = dict[int, list[tuple[str, int]]]
"""Address and port of the sockets for media, by the process that holds them: they end with it."""


def conf(port: str, low: str = "7070", high: str = "7079") -> str:
    """What the platforms write of it, as far as it says which sockets there are."""
    return (
        "if_inbound = em1\nif_outbound = em0\n"
        f"sip_listen_port = {port}\ndaemonize = 1\nrtp_proxy_enable = 1\n"
        f"rtp_port_low = {low}\nrtp_port_high = {high}\nrtp_timeout = 300\n"
    )


def a_call(first: int = 7070) -> list[tuple[str, int]]:
    """The sockets of one: media and control towards the phone, and towards the registrar."""
    return [(INSIDE, first), (INSIDE, first + 1), (OUTSIDE, first + 2), (OUTSIDE, first + 3)]


def sockets(pid: int | None, port: str, media: Media) -> str:
    """``sockstat -4 -P udp``: those of siproxd, if it runs, and of others."""
    own: Iterable[tuple[str, int]] = [("*", int(port)), *media.get(pid, [])] if pid else []
    rows = [("nobody", "siproxd", pid, fd, f"{host}:{number}") for fd, (host, number) in enumerate(own, 4)]
    return HEAD + "".join(
        FORMAT.format(user, command, process, fd, "udp4", local, "*:*")
        for user, command, process, fd, local in (*rows, *OTHERS)
    )
