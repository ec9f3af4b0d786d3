"""A path report as plain text for people. Nothing but the standard library: it also runs far from home."""

from __future__ import annotations

from collections.abc import Iterator

from sipalg_fix.model.path import Direction, Evidence, Hop, How, Outcome, PathReport, Pinhole, Shows

HEADLINE = {
    Outcome.NONE: "No SIP ALG shows: everything that was sent came through unaltered",
    Outcome.ALG_REWRITES: "A SIP ALG alters messages on this path",
    Outcome.ALG_DROPS: "A box on this path drops SIP messages",
    Outcome.SIP_PROXY: "A SIP proxy sits in this path",
    Outcome.ANSWERED: "A box on this path answers in the server's place",
    Outcome.BLOCKED: "SIP is blocked on the way out",
    Outcome.REPLIES_BLOCKED: "SIP goes out, and the answers are blocked",
    Outcome.UNREACHABLE: "The far end cannot be reached: nothing is known of the path",
    Outcome.INCONCLUSIVE: "It could not be told",
}
_WAY = {
    Direction.OUT: "on the way out",
    Direction.BACK: "in answers",
    Direction.IN: "in requests from outside",
}
_PINHOLE = {
    Pinhole.NO: "no",
    Pinhole.YES: "yes: something on the path reads SIP",
    Pinhole.OPEN_ANYWAY: "ports are open without one, too",
    Pinhole.NOT_TOLD: "could not be told",
}
_SHOWS = {
    Shows.UNALTERED: "received it unaltered",
    Shows.ALTERED: "received it altered",
    Shows.TOO_LITTLE: "cannot say: it quotes too little",
    Shows.ANSWERED: "is the far end, and answered",
    Shows.NOTHING: "cannot say: it says nothing",
}
_MOST = 15


def tell(report: PathReport) -> str:
    """The whole report."""
    parts = [
        f"{HEADLINE[report.outcome]} [{report.outcome.value}]",
        f"  {report.reason}",
        *(f"  What to do: {advice}" for advice in report.advice),
        *_section("Tested", (f"{leg.name}: {leg.outcome.value}" for leg in report.legs)),
        *_section("Hops", _hops(report.hops)),
        *_section("Evidence", _evidence(report)),
        *_section("The path", _facts(report)),
        *_section("Not tested", (f"{each.what}: {each.why}" for each in report.not_tested)),
    ]
    return (
        "\n".join(parts) + f"\n\n{report.how.value} {report.responder}, {report.at}, {report.seconds:.2f} s\n"
    )


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return ["", title, *found] if found else []


def _hops(hops: tuple[Hop, ...]) -> Iterator[str]:
    for hop in hops:
        size = f", {hop.quoted} of {hop.sent} bytes" if hop.quoted else ""
        yield f"{hop.number:2} {hop.address or '*':15} {_SHOWS[hop.shows]}{size}"


def _evidence(report: PathReport) -> Iterator[str]:
    """Each field once for each leg and direction, with how many messages show it."""
    groups: dict[tuple[str, Direction, str, str], list[Evidence]] = {}
    for each in report.evidence:
        what = each.words if report.how is How.TRACE else each.field or each.words
        groups.setdefault((each.leg, each.direction, each.outcome.value, what), []).append(each)
    for place, ((leg, direction, _, _), same) in enumerate(groups.items()):
        if place == _MOST:
            yield f"... and {len(groups) - _MOST} more kinds; --output json has them all"
            return
        many = f" ({len(same)} times)" if len(same) > 1 else ""
        yield f"{leg}, {_WAY[direction]}: {same[0].words}{many}"


def _facts(report: PathReport) -> Iterator[str]:
    nat = report.nat
    if nat.translated is not None:
        how = "the same" if not nat.translated else "port kept" if nat.port_preserved else "another port"
        yield f"{nat.own} is seen from outside as {nat.seen} ({how})"
    if report.outcome is not Outcome.UNREACHABLE and report.how is How.RESPONDER:
        yield f"does a REGISTER open a port to the outside? {_PINHOLE[report.pinhole]}"
    if report.lifetime is not None:
        lived, gone = report.lifetime.lived, report.lifetime.gone
        yield f"an idle UDP mapping lived {_seconds(lived)}, and was gone after {_seconds(gone)}"


def _seconds(value: float | None) -> str:
    return "(not measured)" if value is None else f"{value:g} s"
