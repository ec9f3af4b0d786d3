"""Reports: exit codes, sums, and the document that machines read."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from sipalg_fix.model.assessment import Exemption, Intent, Verdict, assess
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Facts, Finding, Helper, Plane, off, on, unknown
from sipalg_fix.model.report import (
    ORDER,
    HostError,
    HostResult,
    Report,
    audit_document,
    exit_code,
    host_code,
    summary,
    worst,
)

S = ChangeState


def result(plane: Plane | None = None, change: ChangeState | None = None, *, error: str = "") -> HostResult:
    """A host whose planes all say that, or nothing."""
    assessment = None
    if plane is not None:
        helper = Helper(name="sip", running=plane, startup=plane, operational=plane)
        assessment = assess(Facts(platform="toy", version="1", helpers=(helper,)), Intent())
    return HostResult(
        host="alpha", site="lab", platform="toy", assessment=assessment, change=change,
        error=HostError(code=error, message="why") if error else None,
    )  # fmt: skip


OFF, ON, CUT = off("sip off"), on("sip on"), unknown("cut")


def report(*hosts: HostResult, stopped: str = "", interrupted: bool = False) -> Report:
    """A run with these hosts."""
    return Report(
        tool="sipalg-fix 1", run="run-1", verb="audit", started="2026-11-23T10:00:00+00:00",
        ended="2026-11-23T10:00:01+00:00", hosts=hosts, stopped=stopped, interrupted=interrupted,
    )  # fmt: skip


CODES = [
    (result(OFF), 0),
    (result(ON), 2),
    (result(CUT), 3),
    (result(error="timeout"), 4),
    (result(OFF, S.CONFIRMED), 0),
    (result(change=S.REFUSED, error="plan-drifted"), 4),
    (result(ON, S.REFUSED, error="plan-drifted"), 4),
    (result(ON, S.ROLLED_BACK, error="command-refused"), 5),
    (result(ON, S.ROLLED_BACK), 0),
    (result(ON, S.ROLLBACK_FAILED, error="command-refused"), 6),
    (result(OFF, S.GUARD_LEFT), 6),
    (result(change=S.REVERTING, error="timeout"), 6),
    (result(change=S.STRANDED, error="timeout"), 6),
    (result(OFF, S.STRANDED), 6),
    (result(OFF, S.UNSAVED, error="save-failed"), 4),
    (result(ON, S.UNSAVED), 2),
    (result(OFF, S.UNSAVED), 3),
    (result(ON, S.NOT_SHOWN), 2),
    (result(CUT, S.NOT_SHOWN), 3),
    (result(OFF, S.NOT_SHOWN), 3),
    (result(change=S.NOT_SHOWN), 3),
    (result(OFF, S.NOT_SHOWN, error="not-rebooted"), 4),
    *(
        (result(OFF, state), 6)
        for state in (S.APPLYING, S.APPLIED, S.MET, S.SAVING, S.FLUSHING, S.REBOOTING, S.ROLLING_BACK)
    ),
    (result(OFF, S.REFUSED_MIDWAY), 6),
]


@pytest.mark.parametrize(("host", "code"), CODES)
def test_the_exit_code_of_one_host(host: HostResult, code: int) -> None:
    """What it alone would give; a change that stopped between two states is for a person."""
    assert host_code(host) == code
    assert exit_code(report(host)) == code


def test_every_state_in_which_a_change_can_stop_has_a_code() -> None:
    """None was forgotten above."""
    assert {host.change for host, _ in CODES} == set(S) - {S.PLANNED} | {None}


@pytest.mark.parametrize("plane", [ON, CUT])
def test_an_exempt_host_is_no_failure(plane: Plane) -> None:
    """Whatever its verdict; an error or a stranded change is one all the same."""
    host = result(plane)
    assert host.assessment is not None
    excused = replace(host.assessment, exempt=Exemption(reason="r", until="2026-12-31"))
    assert host_code(replace(host, assessment=excused)) == 0
    assert host_code(replace(host, assessment=excused, change=S.STRANDED)) == 6
    assert host_code(replace(host, assessment=excused, error=HostError(code="timeout", message="x"))) == 4


def test_the_order_of_exit_codes() -> None:
    """From worst to best; a run ends with the worst of its hosts' and its own."""
    assert ORDER == (1, 64, 130, 6, 5, 7, 4, 2, 3, 0)
    for better, worse in itertools.combinations(reversed(ORDER), 2):
        assert worst((better, worse)) == worst((worse, better, better)) == worse
    assert worst(()) == 0


def test_a_run_ends_with_the_worst() -> None:
    """Of all its hosts, of having been stopped, and of having been interrupted."""
    assert exit_code(report()) == 0
    assert exit_code(report(result(OFF), result(CUT), result(ON))) == 2
    assert exit_code(report(result(ON), result(error="timeout"))) == 4
    assert exit_code(report(result(error="timeout"), stopped="too many failed")) == 7
    assert exit_code(report(result(change=S.STRANDED), stopped="too many failed")) == 6
    assert exit_code(report(result(OFF), interrupted=True)) == 130


def test_the_sums_of_a_run() -> None:
    """By verdict, state, error and change, each in the order of the alphabet."""
    hosts = (result(ON), result(OFF, S.CONFIRMED), result(OFF), result(error="timeout", change=S.STRANDED))
    assert summary(report(*hosts)) == {
        "hosts": 4,
        "verdicts": {"compliant": 2, "noncompliant": 1},
        "states": {"disabled": 2, "enabled": 1},
        "errors": {"timeout": 1},
        "changes": {"confirmed": 1, "stranded": 1},
        "exit_code": 6,
    }


def test_the_document_of_a_host_that_was_read() -> None:
    """Whole, as machines read it."""
    host = replace(
        result(ON),
        version="1.0",
        findings=(Finding(code="drifted", message="moved"),),
        done=("set x",),
        diff=("-x",),
        seconds=1.23456,
    )
    document = audit_document(report(host))
    assert document["hosts"] == [
        {
            "host": "alpha",
            "site": "lab",
            "platform": "toy",
            "version": "1.0",
            "state": "enabled",
            "verdict": "noncompliant",
            "planes": {"running": "on", "startup": "on", "operational": "on", "packets": "unknown"},
            "evidence": ["sip on"],
            "findings": [{"code": "drifted", "message": "moved"}],
            "exempt": None,
            "error": None,
            "change": None,
            "done": ["set x"],
            "diff": ["-x"],
            "note": None,
            "seconds": 1.235,
        }
    ]
    assert json.loads(json.dumps(document)) == document


def test_the_document_of_a_host_that_was_not_read() -> None:
    """Unknown everywhere, and why; never off."""
    (host,) = audit_document(report(result(error="timeout")))["hosts"]
    assert set(host["planes"].values()) == {"unknown"}
    assert (host["state"], host["verdict"]) == ("unknown", "unknown")
    assert host["error"] == {"code": "timeout", "message": "why"}


def test_the_document_of_a_run() -> None:
    """What it says of itself."""
    document = audit_document(report(result(OFF), stopped="too many failed"))
    assert {key: document[key] for key in ("schema", "run", "verb", "stopped")} == {
        "schema": "sipalg-fix/audit/1", "run": "run-1", "verb": "audit", "stopped": "too many failed",
    }  # fmt: skip
    assert audit_document(report())["stopped"] is None


def test_findings_of_the_router_and_of_the_run_stand_together() -> None:
    """Each once, the router's first."""
    host = result(OFF)
    assert host.assessment is not None
    assert host.assessment.verdict is Verdict.COMPLIANT
    own, of_run = Finding(code="b", message="b"), Finding(code="a", message="a")
    seen = replace(host, assessment=replace(host.assessment, findings=(own,)), findings=(of_run, own))
    assert seen.all_findings == (own, of_run)
