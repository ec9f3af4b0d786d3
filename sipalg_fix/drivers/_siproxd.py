"""
Calls that go by way of siproxd: the sockets that it holds for their media.

For each medium, and each direction of it, siproxd binds an even port of its range and the one above it, and
closes both when the call ends, or ``rtp_timeout`` after its last packet (its source: rtpproxy_relay.c); of
UDP's sockets it keeps only SIP's besides them. So they are counted by whose they are, and not by the range:
a file may be newer than the daemon, while a socket is there as long as its call. Calls that pass the
firewall without siproxd are not among them: they outlive it, and not a restart.

sockstat(1) is FreeBSD's own. That it shows siproxd's sockets is shown by SIP's, on the port that the file
names; where the file does not say that media go by way of siproxd, nothing is known of calls.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import END
from sipalg_fix.model.session import Command, Transcript

FILE = "/usr/local/etc/siproxd.conf"
LINES = (
    'pgrep -x siproxd; echo "status $?"; '
    f"grep -E '^ *(sip_listen|rtp_p)' {FILE} 2>&1; echo end of settings; "
    f"sockstat -4 -P udp 2>&1 && echo {END}"
)
WHOLE = re.compile(
    r"(?P<pids>(?:\d+\n)*)status (?P<status>[01])\n(?P<settings>.*)^end of settings\n"
    rf"USER +COMMAND +PID +FD +PROTO +LOCAL ADDRESS +FOREIGN ADDRESS *\n(?P<sockets>.*)^{END}\s*",
    re.MULTILINE | re.DOTALL,
)
SETTING = re.compile(
    r"^ *(sip_listen_port|rtp_(?:proxy_enable|port_low|port_high)) *= *(\d+) *$", re.MULTILINE
)
SOCKET = re.compile(
    r"\S+ +(?P<command>\S.*?) +(?P<pid>\d+|\?) +(?:\d+|\?) +udp\S* +"
    r"(?P<host>\S+):(?P<port>\d+|\*) +(?P<far>\S+) *"
)


def live_calls(seen: Transcript, command: Command) -> int | None:
    """
    How many calls there are, if each has one medium in both directions; one that has only one counts, too.
    None for a reply that is cut, refused or does not add up.
    """
    reply = seen.get(command)
    match = WHOLE.fullmatch("\n".join(reply.text.splitlines())) if reply and reply.ok else None
    sockets = [SOCKET.fullmatch(line) for line in match["sockets"].splitlines()] if match else []
    if match is None or None in sockets:
        return None
    pids, found = set(match["pids"].split()), [socket for socket in sockets if socket]
    if bool(pids) != (match["status"] == "0") or pids != {
        socket["pid"] for socket in found if socket["command"] == "siproxd"
    }:
        return None
    if not pids:
        return 0
    sip = _sip_port(match["settings"])
    held = [socket for socket in found if socket["pid"] in pids and socket["port"] != "*"]
    if not sip or pids != {socket["pid"] for socket in held if socket["port"] == sip}:
        return None
    media = (socket for socket in held if socket["port"] != sip and not socket["far"].endswith(":53"))
    pairs = {(socket["host"], int(socket["port"]) // 2) for socket in media}
    return (len(pairs) + 1) // 2


def _sip_port(settings: str) -> str:
    """
    The port on which it listens; empty where that is not shown, or not that media go by way of it: they do
    not where it has no ports for them.
    """
    shown = set(SETTING.findall(settings))
    values = dict(shown)
    proxied = len(shown) == len(values) == 4 and values["rtp_proxy_enable"] == "1"
    ports = proxied and int(values["rtp_port_low"]) < int(values["rtp_port_high"])
    return values["sip_listen_port"] if ports else ""
