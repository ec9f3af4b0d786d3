"""A playbook's file comes to the model's Playbook, with its defaults where it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipalg_fix.inputs.playbook import ALL_PLANES, read_playbook
from sipalg_fix.model.assessment import Exemption, Intent
from sipalg_fix.model.errors import InputError
from sipalg_fix.model.host import AccessSettings, ProbePoint, SecretRef
from sipalg_fix.model.playbook import (
    DEFAULT_HOW,
    Behind,
    Excused,
    GuardRule,
    How,
    Override,
    Playbook,
    RebootRule,
)

ROOT = Path(__file__).parents[2]
ON_DISK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder: Path, text: str) -> Playbook:
    """The playbook of this text."""
    (folder / "book.yaml").write_text(text, encoding="utf-8")
    return read_playbook(folder / "book.yaml")


def test_the_least_playbook(tmp_path: Path) -> None:
    """A version, and everything else as the model has it."""
    book = read(tmp_path, "version: 1\n")
    assert book == Playbook(name="book", source=str(tmp_path / "book.yaml"), text="version: 1\n")
    assert book.how == DEFAULT_HOW


def test_a_playbook_is_all_that_stands_there(tmp_path: Path) -> None:
    """Every key has its place; what an override does not say, it does not change."""
    text = """
version: 1
name: Berlin first
intent: {sip_alg: off, planes: [running, packets]}
select: 'site=berlin:!r9'
how: {reboot: never, guard: require, guard_minutes: 10, flush: no}
overrides:
  - {select: r1, guard: off}
  - {select: r2, reboot: always, flush: on, guard_minutes: 2}
exempt:
  - {select: r3, reason: "soon replaced", until: 2027-01-31}
forks: 3
"""
    assert read(tmp_path, text) == Playbook(
        name="Berlin first",
        intent=Intent(sip_alg="off", planes=frozenset({"running", "packets"})),
        select="site=berlin:!r9",
        how=How(reboot=RebootRule.NEVER, guard=GuardRule.REQUIRE, guard_minutes=10, flush=False),
        overrides=(
            Override(select="r1", how=How(guard=GuardRule.OFF)),
            Override(select="r2", how=How(reboot=RebootRule.ALWAYS, flush=True, guard_minutes=2)),
        ),
        exemptions=(Excused(select="r3", exemption=Exemption(reason="soon replaced", until="2027-01-31")),),
        forks=3,
        source=str(tmp_path / "book.yaml"),
        text=text,
    )


@pytest.mark.parametrize("word", ["off", "Off", "no", "false", "'off'"])
def test_off_is_read_as_meant(tmp_path: Path, word: str) -> None:
    """However YAML 1.1 would have spelt it."""
    book = read(tmp_path, f"version: 1\nintent: {{sip_alg: {word}}}\nhow: {{flush: {word}, guard: {word}}}\n")
    assert (book.intent.sip_alg, book.how.flush, book.how.guard) == ("off", False, GuardRule.OFF)


def test_a_playbook_of_another_version_is_not_picked_apart(tmp_path: Path) -> None:
    """Its keys may mean other things."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, "version: 2\nwaves: 3\nhow: often\n")
    assert [problem.code for problem in caught.value.problems] == ["E201"]


def test_the_shipped_playbooks_are_playbooks() -> None:
    """The one for changes says in words what the model's defaults are."""
    assert read_playbook(ROOT / "playbooks/disable-sip-alg.yaml").how == DEFAULT_HOW
    assert read_playbook(ROOT / "playbooks/audit.yaml").intent == Intent()


def hows() -> st.SearchStrategy[How]:
    """Any words about how, unset ones included."""
    return st.builds(
        How,
        reboot=st.none() | st.sampled_from(RebootRule),
        guard=st.none() | st.sampled_from(GuardRule),
        guard_minutes=st.none() | st.integers(2, 120),
        flush=st.none() | st.booleans(),
    )


def said(how: How) -> dict[str, object]:
    """How, as a file says it."""
    words: dict[str, object] = {
        "reboot": how.reboot and how.reboot.value,
        "guard": how.guard and how.guard.value,
        "guard_minutes": how.guard_minutes,
        "flush": how.flush,
    }
    return {key: word for key, word in words.items() if word is not None}


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@ON_DISK
@given(
    name=LINES,
    planes=st.sets(st.sampled_from(ALL_PLANES), min_size=1),
    how=hows(),
    overrides=st.lists(st.tuples(st.sampled_from(["r1", "site=x", "!a:b"]), hows().filter(said))),
    exempt=st.lists(st.tuples(LINES, st.dates())),
    forks=st.integers(1, 500),
)
def test_what_is_written_is_what_is_read(
    tmp_path: Path,
    name: str,
    planes: set[str],
    how: How,
    overrides: list[tuple[str, How]],
    exempt: list[tuple[str, object]],
    forks: int,
) -> None:
    """A playbook written by another YAML library comes back whole."""
    document = {
        "version": 1,
        "name": name,
        "intent": {"planes": sorted(planes)},
        "how": said(how),
        "overrides": [{"select": select, **said(other)} for select, other in overrides],
        "exempt": [{"select": "r1", "reason": reason, "until": str(until)} for reason, until in exempt],
        "forks": forks,
    }
    book = read(tmp_path, yaml.safe_dump(document, allow_unicode=True))
    assert book.name == name
    assert book.intent.planes == planes
    assert book.how == how.over(DEFAULT_HOW)
    assert [(override.select, override.how) for override in book.overrides] == overrides
    assert [(one.exemption.reason, one.exemption.until) for one in book.exemptions] == [
        (reason, str(until)) for reason, until in exempt
    ]
    assert book.forks == forks


def test_probe_points_are_what_stands_there(tmp_path: Path) -> None:
    """Paths begin at the playbook's folder; secrets stay references, and a question says what for."""
    text = """
version: 1
probes:
  - select: site=berlin
    command: sipalg-fix probe --responder probe.example.net --output json
    ssh: {hostname: 192.0.2.20, port: 2222, username: probe, key_file: keys/probe, password: "file:pass"}
    seconds: 30.5
  - {select: r1, command: probe-it, ssh: {hostname: "2001:db8::20", username: probe, password: ask}}
  - {select: all, command: ./probe, local: yes}
"""
    first, second, third = read(tmp_path, text).probes
    assert first == Behind(
        select="site=berlin",
        point=ProbePoint(
            command="sipalg-fix probe --responder probe.example.net --output json",
            ssh=AccessSettings(
                address="192.0.2.20",
                port=2222,
                username="probe",
                password=SecretRef(text=f"file:{tmp_path / 'pass'}"),
                key_file=str(tmp_path / "keys" / "probe"),
                seconds=30.5,
            ),
            seconds=30.5,
        ),
    )
    assert second.point.ssh is not None
    assert second.point.ssh.password == SecretRef(text="ask:password of the probe point probe@2001:db8::20")
    assert (second.point.ssh.port, second.point.seconds, second.point.name) == (22, 20, "probe@2001:db8::20")
    assert (third.point, third.point.name) == (ProbePoint(command="./probe"), "this computer")
