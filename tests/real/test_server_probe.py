"""The probe without a responder: a real kamailio beyond the real kernel ALG, and what its answers show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipalg_fix.lab import meddlers, paths, realrouter
from sipalg_fix.lab.meddlers import Meddler, MeddlerRelay
from sipalg_fix.lab.paths import Chain
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import How, Outcome, PathReport
from sipalg_fix.wire.server import ServerWish, ask
from tests.real.conftest import need
from tests.real.servers import kamailio, missing

pytestmark = pytest.mark.root


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    need(realrouter.availability() or missing("kamailio"))


@contextmanager
def standing(
    directory: Path, *routers: str, far: str = paths.FAR, meddler: Meddler | None = None
) -> Iterator[Chain]:
    with Chain(*routers) as chain, kamailio(chain.far, far, directory):
        if meddler is None:
            yield chain
            return
        with MeddlerRelay(meddler, chain.routers[-1], paths.MEDDLE_PORT, paths.PUBLIC, (paths.FAR, 5060)):
            yield chain


def asked(chain: Chain, host: str = paths.FAR) -> PathReport:
    with chain.phone.inside():
        return ask(ServerWish(host=host), "2026-11-23T10:00:00Z")


@pytest.mark.parametrize(
    "routers",
    [
        (PLAIN + ALG,),
        (paths.RANDOM_PORTS + paths.FIREWALL + ALG,),
        (PLAIN + ALG, PLAIN),
        (PLAIN, PLAIN + ALG),
    ],
    ids=["one-NAT", "random-ports", "inner-of-two", "outer-of-two"],
)
def test_the_kernel_alg_is_found(routers: tuple[str, ...], tmp_path: Path) -> None:
    """Wherever it sits, from a fresh port and from a phone's."""
    with standing(tmp_path, *routers) as chain:
        report = asked(chain)
    assert {leg.outcome for leg in report.legs} == {Outcome.ALG_REWRITES}, report.reason
    assert (report.outcome, report.how) == (Outcome.ALG_REWRITES, How.SERVER)
    assert report.advice


@pytest.mark.parametrize(
    "routers",
    [(PLAIN,), (paths.RANDOM_PORTS + paths.FIREWALL,), (PLAIN, PLAIN)],
    ids=["one-NAT", "random-ports", "two"],
)
def test_a_plain_nat_shows_no_sign_and_gets_no_all_clear(routers: tuple[str, ...], tmp_path: Path) -> None:
    """OPTIONS alone cannot show that INVITE is left alone; what was seen is said, and what was not."""
    with standing(tmp_path, *routers) as chain:
        report = asked(chain)
    assert (report.outcome, report.evidence) == (Outcome.INCONCLUSIVE, ())
    assert "no sign of an ALG" in report.reason
    assert report.nat.translated is True
    assert report.nat.seen.startswith(paths.PUBLIC + ":")
    assert "INVITE, REGISTER and what announces audio (SDP)" in {each.what for each in report.not_tested}


@pytest.mark.parametrize("rules", [paths.FIREWALL, paths.FIREWALL + ALG], ids=["off", "on"])
def test_without_nat_nothing_can_be_told(rules: str, tmp_path: Path) -> None:
    """There the helper rewrites nothing: it is not called clean, whether it is on or off."""
    with standing(tmp_path, rules) as chain:
        report = asked(chain)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert "has nothing to rewrite" in report.reason
    assert report.nat.translated is False


def test_ipv6_is_asked_as_well(tmp_path: Path) -> None:
    """With NAT66 the helper is found; the server is named by its address."""
    rules = paths.FIREWALL + paths.NAT66 + paths.ALG6
    with standing(tmp_path, rules, far=paths.FAR6) as chain:
        report = asked(chain, paths.FAR6)
    assert report.outcome is Outcome.ALG_REWRITES, report.reason
    assert report.responder == f"[{paths.FAR6}]:5060"


@pytest.mark.parametrize("rules", [paths.BLOCKED, paths.REPLIES_BLOCKED], ids=["out", "back"])
def test_no_answer_is_no_all_clear(rules: str, tmp_path: Path) -> None:
    """A blocked path and a silent server look alike: nothing is known."""
    with standing(tmp_path, PLAIN + rules) as chain:
        report = asked(chain)
    assert (report.outcome, report.evidence) == (Outcome.UNREACHABLE, ())


@pytest.mark.parametrize(
    "meddler",
    [
        meddlers.SDP_ONLY, meddlers.VIA_ONLY, meddlers.REPLACE_ALL, meddlers.RECASE,
        meddlers.NO_RPORT, meddlers.ANSWERING, meddlers.INVITE_DROPPING, meddlers.INWARD_DROPPING,
        meddlers.PROXY, meddlers.PASSING,
    ],
    ids=lambda meddler: meddler.name.replace(" ", "-"),
)  # fmt: skip
def test_no_other_alg_gets_an_all_clear(meddler: Meddler, tmp_path: Path) -> None:
    """Of boxes of other kinds some show and some do not; none is called clean."""
    with standing(tmp_path, PLAIN + paths.MEDDLE, meddler=meddler) as chain:
        report = asked(chain)
    assert report.outcome in (Outcome.INCONCLUSIVE, Outcome.UNREACHABLE), report.reason


def test_old_flows_are_told_from_new_ones(tmp_path: Path) -> None:
    """After the ALG is off, port 5060 is still altered and a fresh port is not."""
    with standing(tmp_path, PLAIN + ALG) as chain:
        asked(chain)
        chain.load(PLAIN)
        stale = asked(chain)
    assert {leg.name: leg.outcome for leg in stale.legs} == {
        "udp": Outcome.INCONCLUSIVE,
        "udp from port 5060": Outcome.ALG_REWRITES,
    }
