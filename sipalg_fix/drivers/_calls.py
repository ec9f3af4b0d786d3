"""
Calls, as Linux's connection tracking shows them: the media connections that a helper has opened.

A helper that reads SIP expects the media that the messages agree on; a connection that was expected keeps
the status EXPECTED for its life (conntrack(8), ``--status``). Of UDP's helpers, those of TFTP and Amanda
expect connections, too: one more is waited for, none is missed. Signalling that was expected, as a packet to
a port that a REGISTER named, is read by the helper itself and listed with it for an hour: it is no call, and
media are never listed so (nf_conntrack_sip.c: only a registration's expectation is given a helper; recorded).
Calls whose signalling no helper has read (over TLS, or begun before it was loaded) are not among them.

Streams are what passes now, whoever follows it: a UDP connection that packets went through in both directions
for two seconds lives for the stream timeout from its last packet on, and audio comes every few hundredths of
a second (nf_conntrack_proto_udp.c; recorded). One that a flowtable forwards shows no time, and is forgotten
soon after its last packet. Audio that goes one way only is not among them.
"""

from __future__ import annotations

import re

from sipalg_fix.model.session import Command, Transcript

SHOWN = re.compile(
    r"^conntrack v\S+ \(conntrack-tools\): (\d+) flow entries have been shown\.\s*$", re.MULTILINE
)
FLOW = re.compile(
    r"^(?:ipv[46]\s+\d+\s+)?udp\s+17 .*?\bsrc=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)(?P<rest>.*)$",
    re.MULTILINE,
)
LISTED = re.compile(
    r"(?:ipv[46]\s+\d+\s+)?udp\s+17 (?:(?P<left>\d+) )?src=(?P<source>\S+) dst=(?P<target>\S+) "
    r"sport=(?P<sport>\d+) dport=(?P<dport>\d+)(?P<rest> .*\[(?:ASSURED|(?:HW_)?OFFLOAD)\].*)"
)
SIGNALLING = re.compile(r"\bhelper=sip(?:-\d+)?(?=\s|$)")
END = "end of calls"
END_OF_STREAMS = "end of streams"
AGE_SECONDS = 3
"""So long ago at the most the last packet of a stream was that is in use."""
NO_AUDIO = frozenset({1194, 1701, 1900, 3544, 4500, 5060, 5061, 5353, 13231, 51820})
"""Ports of other things that go on for long: tunnels, discovery, and SIP itself."""


def lines(prefix: str = "") -> str:
    """What asks for them, of both families; ``prefix`` is what makes a user root."""
    asked = (f"{prefix}conntrack -L -f {family} -p udp -u EXPECTED 2>&1" for family in ("ipv4", "ipv6"))
    return f"{' && '.join(asked)} && echo {END}"


def stream_lines(prefix: str = "") -> str:
    """What asks for streams, of both families; of tables of 100,000 entries only what may be one is sent."""
    shown = "grep -E 'ASSURED|OFFLOAD|conntrack'"
    asked = (f"{prefix}conntrack -L -f {family} -p udp 2>&1 | {shown}" for family in ("ipv4", "ipv6"))
    settings = "cat {0}_count {0}_udp_timeout_stream".format("/proc/sys/net/netfilter/nf_conntrack")
    return f"{settings} && {' && '.join(asked)} && echo {END_OF_STREAMS}"


def may_be_audio(*ports: int) -> bool:
    """May a stream between these ports be a call's? The kernel's helper drops SDP with ports below 1024."""
    return all(port >= 1024 and port not in NO_AUDIO for port in ports)


def live_streams(seen: Transcript, command: Command) -> int | None:
    """
    How many streams pass that may be calls, each counted once with its control connection. None for a reply
    that is cut, refused or does not add up, and where nothing is tracked: this session at least would be.
    """
    reply = seen.get(command)
    lines = reply.text.splitlines() if reply is not None and reply.ok else []
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) < 5 or not all(map(str.isdecimal, lines[:2])) or lines[-1] != END_OF_STREAMS:
        return None
    tracked, timeout = int(lines[0]), int(lines[1])
    listed = [line for line in lines[2:-1] if not SHOWN.fullmatch(line)]
    flows = [LISTED.fullmatch(line) for line in listed]
    if not tracked or len(listed) != len(lines) - 5 or None in flows:
        return None
    now = (flow for flow in flows if flow and _is_in_use(flow, timeout))
    ends = (flow.group("source", "target", "sport", "dport") for flow in now)
    return len({(source, target, int(sport) // 2, int(dport) // 2) for source, target, sport, dport in ends})


def _is_in_use(flow: re.Match[str], timeout: int) -> bool:
    """May it be audio that passes now?"""
    if flow["left"] and int(flow["left"]) < timeout - AGE_SECONDS:
        return False
    return may_be_audio(int(flow["sport"]), int(flow["dport"])) and not SIGNALLING.search(flow["rest"])


def live_calls(seen: Transcript, command: Command) -> int | None:
    """
    How many media connections there are, each stream counted once with its control connection, which has
    the port beside it (RFC 3550, section 11). None for a reply that is cut, refused or does not add up.
    """
    reply = seen.get(command)
    if reply is None or not reply.ok or reply.text.rstrip().rpartition("\n")[2].strip() != END:
        return None
    totals = [int(number) for number in SHOWN.findall(reply.text)]
    flows = FLOW.findall(reply.text)
    if len(totals) != 2 or sum(totals) != len(flows):
        return None
    media = (ends for *ends, rest in flows if not SIGNALLING.search(rest))
    return len({(source, target, int(sport) // 2, int(dport) // 2) for source, target, sport, dport in media})
