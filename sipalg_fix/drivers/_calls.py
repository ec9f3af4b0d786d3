"""
Calls, as Linux's connection tracking shows them: the media connections that a helper has opened.

A helper that reads SIP expects the media that the messages agree on; a connection that was expected keeps
the status EXPECTED for its life (conntrack(8), ``--status``). Of UDP's helpers, those of TFTP and Amanda
expect connections, too: one more is waited for, none is missed. Signalling that was expected, as a packet to
a port that a REGISTER named, is read by the helper itself and listed with it for an hour: it is no call, and
media are never listed so (nf_conntrack_sip.c: only a registration's expectation is given a helper; recorded).
Calls whose signalling no helper has read (over TLS, or begun before it was loaded) are not among them.
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
SIGNALLING = re.compile(r"\bhelper=sip(?:-\d+)?(?=\s|$)")
END = "end of calls"


def lines(prefix: str = "") -> str:
    """What asks for them, of both families; ``prefix`` is what makes a user root."""
    asked = (f"{prefix}conntrack -L -f {family} -p udp -u EXPECTED 2>&1" for family in ("ipv4", "ipv6"))
    return f"{' && '.join(asked)} && echo {END}"


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
