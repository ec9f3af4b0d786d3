"""Any report that the model allows, with any text in every place where text may stand."""

from __future__ import annotations

from hypothesis import strategies as st

from sipalg_fix.model.assessment import Assessment, Exemption, Planes, Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import HOST_CODES, PLAN_CODES
from sipalg_fix.model.facts import Finding, Plane, State, Value
from sipalg_fix.model.report import HostError, HostResult, Report

texts = st.text(max_size=12) | st.sampled_from(
    ["", "=1+1", "@a", "\x1b[2J", "a\nb", "\u202e", "<b>&", "café", "漢字漢字", "[red]x[/]", "\ud83d"]
)
"""Anything at all, halves of characters included."""

planes = st.builds(
    Plane, value=st.sampled_from(Value), evidence=st.lists(texts, max_size=2).map(tuple), reason=texts
)
findings = st.lists(
    st.builds(Finding, code=st.sampled_from(["not-saved", "guard-left", "x"]), message=texts), max_size=3
).map(tuple)
assessments = st.builds(
    Assessment,
    state=st.sampled_from(State),
    verdict=st.sampled_from(Verdict),
    planes=st.builds(Planes, running=planes, startup=planes, operational=planes, packets=planes),
    findings=findings,
    exempt=st.none() | st.builds(Exemption, reason=texts, until=st.just("2026-12-31")),
)
errors = st.builds(HostError, code=st.sampled_from([*HOST_CODES, *PLAN_CODES]), message=texts)
results = st.builds(
    HostResult,
    host=texts,
    site=texts,
    platform=texts,
    version=texts,
    assessment=st.none() | assessments,
    error=st.none() | errors,
    change=st.none() | st.sampled_from(ChangeState),
    findings=findings,
    done=st.lists(texts, max_size=3).map(tuple),
    diff=st.lists(texts, max_size=3).map(tuple),
    before=st.none() | assessments,
    note=texts,
    seconds=st.floats(min_value=0, max_value=1e6),
)
moments = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "+00:00")
reports = st.builds(
    Report,
    tool=texts,
    run=texts,
    verb=st.sampled_from(["audit", "apply"]) | texts,
    started=moments,
    ended=moments | st.just(""),
    by=texts,
    inventory=texts,
    playbook=texts,
    fingerprint=texts,
    hosts=st.lists(results, max_size=4).map(tuple),
    stopped=texts,
    interrupted=st.booleans(),
    head=texts,
    extra=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)
