"""
The rules: each asks one message, or two that belong together, for one sign, and says where it stands.

A rule looks at addresses alone, so that nothing of what it finds names a user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sipalg_fix.model.passive import Sign
from sipalg_fix.model.sip.difference import Change, compare
from sipalg_fix.wire.passive.glance import Glance, Place, body_of, is_inside, literal
from sipalg_fix.wire.passive.heard import Heard

KERNEL = "Linux nf_nat_sip"
SIPROXD = "siproxd"
SIP_PORT = 5060
_TOUCHED = frozenset(
    {"Via", "Contact", "From", "To", "Request-URI", "Record-Route", "Route", "Path", "Call-ID", "CSeq"}
)
"""Headers that hold addresses, or that nobody may alter."""
_ADDRESSES = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?|(?<=port=)\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One sign, as one message shows it."""

    sign: Sign
    field: str = ""
    before: str = ""
    after: str = ""
    box: str = ""


@dataclass(slots=True, kw_only=True)
class View:
    """A message with what was seen of it. ``own`` is the address that it came from."""

    heard: Heard
    seen: Glance

    @property
    def own(self) -> str:
        """The address that the packet came from."""
        return self.heard.source

    @property
    def leaks(self) -> tuple[tuple[str, str], ...]:
        """Private addresses, other than the packet's own, in fields that ALGs leave alone."""
        return tuple((field, host) for field, host in self.seen.named if is_inside(host) and host != self.own)

    def is_foreign(self, host: str) -> bool:
        """Is it a private address that is not the packet's own?"""
        return host != self.own and is_inside(host)


Rule = Callable[[View], Iterator[Case]]


def extra_via(view: View) -> Iterator[Case]:
    """A proxy at the packet's address: its own Via on top, and a private one below."""
    vias = view.seen.vias
    if len(vias) > 1 and vias[0].host == view.own and view.is_foreign(vias[-1].host):
        yield Case(
            sign=Sign.EXTRA_VIA,
            field="Via",
            after=spelled_place((vias[0].host, vias[0].port)),
            box=_make(view.seen),
        )


def uri_port(view: View) -> Iterator[Case]:
    """The Request-URI ends in the phone's own port, where answers were expected."""
    seen, heard = view.seen, view.heard
    via, (host, port) = seen.vias[0], seen.uri
    odd = port not in (0, SIP_PORT) and port == via.port != heard.source_port
    if odd and heard.target_port == SIP_PORT and host == heard.target:
        yield Case(sign=Sign.URI_PORT, field="Request-URI", after=spelled_place(seen.uri), box=KERNEL)


def length_of_sdp(view: View) -> Iterator[Case]:
    """A body of several parts, whose length is said to be what the part with audio has to its end."""
    seen, heard = view.seen, view.heard
    if heard.transport != "udp" or not heard.whole or seen.length < 1:
        return
    body = body_of(heard.data, seen)
    start = body.find(b"v=0")
    if start > 0 and len(body) - start == seen.length:
        yield Case(
            sign=Sign.LENGTH_OF_SDP,
            field="Content-Length",
            before=str(len(body)),
            after=str(seen.length),
            box=KERNEL,
        )


def inside_left(view: View) -> Iterator[Case]:
    """Via is public, and a field that the kernel leaves alone names a private address."""
    hosts = [host for host, _ in view.seen.contacts if literal(host)]
    if len(view.seen.vias) == 1 and view.seen.vias[0].host == view.own and all(h == view.own for h in hosts):
        for field, host in view.leaks[:1]:
            # That the port is the flow's own as well is what the kernel leaves; others need not.
            exact = view.seen.vias[0].port in (view.heard.source_port, 0)
            yield Case(
                sign=Sign.INSIDE_LEFT, field=field, before=host, after=view.own, box=KERNEL if exact else ""
            )


def via_only(view: View) -> Iterator[Case]:
    """Via is public, Contact private."""
    via = view.seen.vias[0]
    for host, _ in view.seen.contacts[:1]:
        if via.host == view.own and view.is_foreign(host) and len(view.seen.vias) == 1:
            yield Case(sign=Sign.VIA_ONLY, field="Via", before=host, after=view.own)


def contact_only(view: View) -> Iterator[Case]:
    """Contact is public, Via private."""
    via = view.seen.vias[-1]
    for host, _ in view.seen.contacts[:1]:
        if view.is_foreign(via.host) and host == view.own and len(view.seen.vias) == 1:
            yield Case(sign=Sign.CONTACT_ONLY, field="Contact", before=via.host, after=host)


def sdp_only(view: View) -> Iterator[Case]:
    """The offer is public, Via and Contact private."""
    via = view.seen.vias[-1]
    hosts = [host for host, _ in view.seen.contacts]
    if view.is_foreign(via.host) and not any(host == view.own for host in hosts):
        for field, host in view.seen.sdp:
            if field == "SDP c=" and host == view.own:
                yield Case(sign=Sign.SDP_ONLY, field=field, before=via.host, after=host)
                return


def hold_origin(view: View) -> Iterator[Case]:
    """Origin and address of the offer are both 0.0.0.0."""
    found = {field: host for field, host in reversed(view.seen.sdp)}
    if found.get("SDP o=") == found.get("SDP c=") == "0.0.0.0":
        yield Case(sign=Sign.HOLD_ORIGIN, field="SDP o=", after="0.0.0.0", box=KERNEL)


def as_written(view: View) -> Iterator[Case]:
    """Via and Contact as the phone wrote them, to the port where boxes look."""
    seen = view.seen
    hosts = [host for host, _ in seen.contacts]
    plain = len(seen.vias) == 1 and view.is_foreign(seen.vias[0].host)
    public = view.own in hosts or any(host == view.own for _, host in seen.sdp)
    if plain and not public and view.heard.target_port == SIP_PORT:
        yield Case(sign=Sign.AS_WRITTEN, field="Via", after=seen.vias[0].host)


REQUEST_RULES: tuple[Rule, ...] = (
    extra_via,
    uri_port,
    length_of_sdp,
    inside_left,
    via_only,
    contact_only,
    sdp_only,
    hold_origin,
    as_written,
)
"""What a request is asked for itself, for the address that it came from."""


def received(view: View) -> Iterator[Case]:
    """What a public server's answer to a private address says of where the request came from."""
    heard, via = view.heard, view.seen.vias[0]
    if is_inside(heard.source) or not is_inside(heard.target) or via.host != heard.target:
        return
    if via.received == heard.target:
        yield Case(sign=Sign.RECEIVED_INSIDE, field="Via received=", after=via.received, box=KERNEL)
    elif via.received and not is_inside(via.received) and heard.source_port == SIP_PORT:
        yield Case(sign=Sign.RECEIVED_OUTSIDE, field="Via received=", after=via.received)


def echo(request: View, answer: View) -> Iterator[Case]:
    """An answer repeats Via, From and To of its request; what it adds to Via is no difference."""
    asked, said = request.seen, answer.seen
    pairs = [
        ("Via", (asked.vias[0].host, asked.vias[0].port), (said.vias[0].host, said.vias[0].port)),
        ("From", asked.caller, said.caller),
        ("To", asked.callee, said.callee),
    ]
    if asked.vias[0].branch != said.vias[0].branch:
        return
    for field, before, after in pairs:
        if before != after and before[0] and after[0]:
            yield Case(
                sign=Sign.ECHO_DIFFERS, field=field, before=spelled_place(before), after=spelled_place(after)
            )


def copies(before: View, after: View) -> Iterator[Case]:
    """The same message at two places: what a box between them did to it."""
    if before.heard.data == after.heard.data:
        if SIP_PORT in (before.heard.target_port, before.heard.source_port):
            yield Case(sign=Sign.COPIES_SAME)
        return
    if len(before.seen.vias) != len(after.seen.vias):
        more = max(before, after, key=lambda view: len(view.seen.vias))
        top = more.seen.vias[0]
        yield Case(
            sign=Sign.PROXY_COPY,
            field="Via",
            after=spelled_place((top.host, top.port)),
            box=_make(more.seen),
        )
        return
    yield from _altered(before.heard.data, after.heard.data)


def _altered(before: bytes, after: bytes) -> Iterator[Case]:
    """Addresses alone: the rest may hold names, and a server may say it otherwise the second time."""
    found = []
    for each in compare(before, after):
        name = each.field.partition(" (")[0]
        if each.change in (Change.RENAMED, Change.RESPACED):
            found.append(Case(sign=Sign.COPIES_DIFFER, field=f"spelling of {name}"))
            continue
        if name not in _TOUCHED and not name.startswith("SDP"):
            continue
        old, new = _ADDRESSES.findall(each.before), _ADDRESSES.findall(each.after)
        if old != new:
            place = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
            found.append(
                Case(
                    sign=Sign.COPIES_DIFFER,
                    field=name,
                    before="".join(old[place : place + 1]),
                    after="".join(new[place : place + 1]),
                )
            )
    fields = {case.field for case in found}
    box = KERNEL if {"Via", "Contact"} <= fields and "Call-ID" not in fields else ""
    for case in found:
        yield Case(sign=case.sign, field=case.field, before=case.before, after=case.after, box=box)


def _make(seen: Glance) -> str:
    """siproxd writes header names as libosip spells them, and sets the length in three blanks."""
    return SIPROXD if seen.padded or b"Max-forwards" in seen.spelled else ""


def spelled_place(place: Place) -> str:
    """As it stands in a URI."""
    host, port = place
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown
