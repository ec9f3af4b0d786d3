"""The table of paths that a probe is held to: what each is made of, and what a probe must say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.lab import meddlers, paths
from sipalg_fix.lab.meddlers import Meddler, MeddlerRelay
from sipalg_fix.lab.paths import Chain, loss
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import Outcome, PathReport
from sipalg_fix.wire.probe import Wish, probe
from sipalg_fix.wire.protocol import SIP_PORT, Transport
from sipalg_fix.wire.responder import Listening
from tests.wire.far_end import FarEnd

NONE = Outcome.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A path: a ruleset for each router (inner first), perhaps a program on the outermost, and the truth."""

    name: str
    routers: tuple[str, ...]
    expected: Outcome
    meddler: Meddler | None = None
    lossy: bool = False
    v6: bool = False


def _mode(name: str, expected: Outcome, *routers: str, lossy: bool = False, v6: bool = False) -> Mode:
    return Mode(name=name, routers=routers, expected=expected, lossy=lossy, v6=v6)


def _meddled(meddler: Meddler, expected: Outcome) -> Mode:
    return Mode(name=meddler.name, routers=(PLAIN + paths.MEDDLE,), expected=expected, meddler=meddler)


MODES = (
    _mode("plain NAT", NONE, PLAIN),
    _mode("random ports", NONE, paths.RANDOM_PORTS + paths.FIREWALL),
    _mode("no NAT", NONE, paths.FIREWALL),
    _mode("double NAT", NONE, PLAIN, PLAIN),
    _mode("loss 5 %", NONE, PLAIN + loss(5), lossy=True),
    _mode("loss 20 %", NONE, PLAIN + loss(20), lossy=True),
    _mode("IPv6, no NAT", NONE, paths.FIREWALL, v6=True),
    _mode("IPv6 NAT66", NONE, paths.FIREWALL + paths.NAT66, v6=True),
    _mode("kernel ALG", Outcome.ALG_REWRITES, PLAIN + ALG),
    _mode("kernel ALG, random ports", Outcome.ALG_REWRITES, paths.RANDOM_PORTS + paths.FIREWALL + ALG),
    _mode("kernel ALG without NAT", Outcome.ALG_DROPS, paths.FIREWALL + ALG),
    _mode("kernel ALG, loss 5 %", Outcome.ALG_REWRITES, PLAIN + ALG + loss(5), lossy=True),
    _mode("kernel ALG, loss 20 %", Outcome.ALG_REWRITES, PLAIN + ALG + loss(20), lossy=True),
    _mode("double NAT, ALG inside", Outcome.ALG_REWRITES, PLAIN + ALG, PLAIN),
    _mode("double NAT, ALG outside", Outcome.ALG_REWRITES, PLAIN, PLAIN + ALG),
    _mode("IPv6 kernel ALG, no NAT", Outcome.ALG_DROPS, paths.FIREWALL + paths.ALG6, v6=True),
    _mode("IPv6 kernel ALG, NAT66", Outcome.ALG_REWRITES, paths.FIREWALL + paths.NAT66 + paths.ALG6, v6=True),
    _mode("blocked", Outcome.BLOCKED, PLAIN + paths.BLOCKED),
    _mode("rejected", Outcome.BLOCKED, PLAIN + paths.REJECTED),
    _mode("replies blocked", Outcome.REPLIES_BLOCKED, PLAIN + paths.REPLIES_BLOCKED),
    _mode("all blocked", Outcome.UNREACHABLE, PLAIN + paths.ALL_BLOCKED),
    _meddled(meddlers.SDP_ONLY, Outcome.ALG_REWRITES),
    _meddled(meddlers.VIA_ONLY, Outcome.ALG_REWRITES),
    _meddled(meddlers.REPLACE_ALL, Outcome.ALG_REWRITES),
    _meddled(meddlers.RECASE, Outcome.ALG_REWRITES),
    _meddled(meddlers.NO_RPORT, Outcome.ALG_REWRITES),
    _meddled(meddlers.ANSWERING, Outcome.ANSWERED),
    _meddled(meddlers.INVITE_DROPPING, Outcome.ALG_DROPS),
    _meddled(meddlers.INWARD_DROPPING, Outcome.ALG_DROPS),
    _meddled(meddlers.PROXY, Outcome.SIP_PROXY),
    _meddled(meddlers.PASSING, Outcome.SIP_PROXY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A path that stands, with its responder."""

    chain: Chain
    far: FarEnd
    host: str

    def probe(
        self,
        transports: tuple[Transport, ...] = tuple(Transport),
        phone_port: bool = True,
        fresh_port: bool = True,
        source_port: int = SIP_PORT,
        lifetime: tuple[float, ...] = (),
        sizes: bool = False,
        change: Callable[[], object] | None = None,
    ) -> PathReport:
        """One probe from the phone's place."""
        wish = Wish(
            host=self.host,
            pin=self.far.pin,
            transports=transports,
            phone_port=phone_port,
            fresh_port=fresh_port,
            source_port=source_port,
            lifetime=lifetime,
            sizes=sizes,
        )
        with self.chain.phone.inside():
            return probe(wish, "2026-11-23T10:00:00Z", change)


@contextmanager
def standing(
    directory: Path, *routers: str, meddler: Meddler | None = None, v6: bool = False
) -> Iterator[Standing]:
    """The path of a mode, for as long as this lasts."""
    host = paths.FAR6 if v6 else paths.FAR
    with ExitStack() as made:
        chain = made.enter_context(Chain(*routers))
        if meddler is not None:
            made.enter_context(
                MeddlerRelay(meddler, chain.routers[-1], paths.MEDDLE_PORT, paths.PUBLIC, (paths.FAR, 5060))
            )
        listening = Listening(addresses=(host,))
        far = made.enter_context(FarEnd(directory, listening, place=chain.far.inside()))
        yield Standing(chain=chain, far=far, host=host)


def runs_of(mode: Mode, directory: Path, count: int) -> list[PathReport]:
    """So many probes of a mode's path, each with routers that track nothing yet."""
    reports = []
    with standing(directory, *mode.routers, meddler=mode.meddler, v6=mode.v6) as path:
        for _ in range(count):
            reports.append(path.probe())
            path.chain.flush()
    return reports


def matrix(results: dict[str, list[PathReport]]) -> str:
    """Modes against outcomes, with the median and the longest time, as text."""
    lines = [f"{'path':28} {'expected':22} {'seen':44} median s   max s"]
    for mode in MODES:
        reports = results.get(mode.name, [])
        if not reports:
            continue
        seen = Counter(report.outcome.value for report in reports)
        times = sorted(report.seconds for report in reports)
        told = ", ".join(f"{name} {count}" for name, count in seen.most_common())
        lines.append(
            f"{mode.name:28} {mode.expected.value:22} {told:44} "
            f"{times[len(times) // 2]:8.3f} {times[-1]:7.3f}"
        )
    return "\n".join(lines)
