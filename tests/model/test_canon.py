"""Values as JSON and back: nothing is lost, nothing is guessed, and one value has one text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipalg_fix.model.assessment import Assessment, Intent
from sipalg_fix.model.canon import canonical, digest, from_plain, to_plain
from sipalg_fix.model.facts import Facts, Plane, State, Value
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.plan import GuardPlan, HostPlan, Plan
from sipalg_fix.model.playbook import How
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.model.session import Command, Reply, Transcript
from sipalg_fix.model.step import Amend, Disruption, Find, Remedy, Step, Tell

from .values import values

KINDS: list[type[Any]] = [
    Host, AccessSettings, SecretRef, Facts, Plane, Assessment, Intent, Remedy, GuardPlan, HostPlan, Plan, How,
    HostResult, Report, Command, Reply, Transcript, Tell, Find, Amend,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_value_comes_back_as_it_went(kind: type[Any]) -> None:
    """Through plain values, and through the text of a file."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(values(kind))
    def holds(value: Any) -> None:
        assert from_plain(kind, to_plain(value)) == value
        assert from_plain(kind, json.loads(canonical(value))) == value
        assert from_plain(kind, json.loads(json.dumps(to_plain(value)))) == value

    holds()


@settings(max_examples=60, deadline=None)
@given(values(Remedy), values(Remedy))
def test_two_values_have_one_digest_only_when_they_are_one(one: Remedy, other: Remedy) -> None:
    """And a value that was read back has the digest of the one that was written."""
    assert (digest(one) == digest(other)) == (one == other)
    assert digest(from_plain(Remedy, to_plain(one))) == digest(one)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(mapping: dict[str, int]) -> None:
    """Two mappings that are equal have one text."""
    assert canonical(mapping) == canonical(dict(reversed(mapping.items())))


def test_the_text_is_the_same_everywhere() -> None:
    """Sorted keys, no blanks, text as it is; fingerprints that were approved depend on it."""
    command = Command(access="cli", text="set ü 'off'", seconds=60.0)
    assert canonical([command, Value.OFF, None, True, ("a", frozenset({"z", "b"}))]) == (
        '[{"access":"cli","answers":[],"seconds":60,"text":"set ü \'off\'"},"off",null,true,["a",["b","z"]]]'
    )
    assert digest([]) == "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


@pytest.mark.parametrize("seconds", [60, 60.0, 0, 0.5, 1e300, -2])
def test_a_number_is_one_number(seconds: float) -> None:
    """60 and 60.0 have one text, so that a value that was read back is the one that was written."""
    value = AccessSettings(address="a", seconds=seconds)
    back = from_plain(AccessSettings, json.loads(canonical(value)))
    assert (back, digest(back)) == (value, digest(value))


def test_bytes_of_no_encoding_have_a_digest() -> None:
    """A device may print them; they stand in texts as lone surrogates."""
    assert digest("\udc80") != digest("\udc81")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float])
def test_what_has_no_plain_form_is_an_error_of_ours(value: object) -> None:
    """Nothing is written as its name or its address."""
    with pytest.raises(TypeError, match="no plain form"):
        to_plain(value)


TELL: dict[str, Any] = to_plain(Tell(command=Command(access="cli", text="x")))
FIND: dict[str, Any] = to_plain(
    Find(read=Command(access="cli", text="r"), pick="p", then=Tell(command=Command(access="cli", text="x")))
)
FACTS: dict[str, Any] = to_plain(Facts(platform="toy", version="1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two of them."""

    pair: tuple[str, int]
    either: int | str = 0


def without(plain: dict[str, Any], key: str) -> dict[str, Any]:
    """The same without that key."""
    return {name: value for name, value in plain.items() if name != key}


@pytest.mark.parametrize(
    ("kind", "plain", "said"),
    [
        (Facts, FACTS | {"colour": "red"}, "Facts: unknown key colour"),
        (Facts, FACTS | {"kind": "Facts"}, "Facts: unknown key kind"),
        (Facts, without(FACTS, "version"), "Facts: version is missing"),
        (Facts, FACTS | {"version": 7}, "Facts.version: str is expected"),
        (Facts, FACTS | {"version": None}, "Facts.version: str is expected"),
        (Facts, FACTS | {"config": "a line"}, "Facts.config: a list is expected"),
        (Facts, FACTS | {"config": [1]}, r"Facts.config\[0\]: str is expected"),
        (Facts, FACTS | {"unsaved": "yes"}, "Facts.unsaved: bool is expected"),
        (Facts, FACTS | {"helpers": [[]]}, r"Facts.helpers\[0\]: an object is expected"),
        (Facts, [], "Facts: an object is expected"),
        (Plane, {"value": "maybe"}, "Plane.value: one of on, off, unknown, none is expected"),
        (State, "gone", "State: one of enabled, "),
        (Host, {"name": "a", "platform": "b", "data": []}, "Host.data: an object is expected"),
        (Host, {"name": "a", "platform": "b", "data": {"k": 1}}, "Host.data.k: str is expected"),
        (AccessSettings, {"address": "a", "port": True}, "AccessSettings.port: int is expected"),
        (AccessSettings, {"address": "a", "port": 22.5}, "AccessSettings.port: int is expected"),
        (AccessSettings, {"address": "a", "plain": 1}, "AccessSettings.plain: bool is expected"),
        (AccessSettings, {"address": "a", "seconds": True}, "AccessSettings.seconds: float is expected"),
        (Intent, {"planes": ["running", "running"]}, "Intent.planes: something stands there twice"),
        (Pair, {"pair": ["a"]}, "Pair.pair: 2 items are expected"),
        (Pair, {"pair": ["a", "b"]}, r"Pair.pair\[1\]: int is expected"),
        (Pair, {"pair": ["a", 1], "either": 1.5}, "Pair.either: "),
        (Tell, without(TELL, "kind"), "Tell: the kind Tell is expected"),
        (Tell, TELL | {"kind": "Find"}, "Tell: the kind Tell is expected"),
        (Find, FIND | {"then": TELL | {"kind": "Amend"}}, "Find.then: the kind Tell is expected"),
        (Remedy, {"forward": [without(TELL, "kind")]}, r"Remedy.forward\[0\]: none of the kinds"),
        (Remedy, {"forward": [TELL | {"kind": "Reboot"}]}, r"Remedy.forward\[0\]: none of the kinds"),
        (Remedy, {"forward": [TELL | {"kind": "Find"}]}, r"Remedy.forward\[0\]: unknown key"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(kind: type[Any], plain: object, said: str) -> None:
    """Where it stands, and what is expected there."""
    with pytest.raises(ValueError, match=said):
        from_plain(kind, plain)


def test_a_key_with_a_default_may_be_missing() -> None:
    """Rows of an older version are read."""
    assert from_plain(Plane, {"value": "off"}) == Plane(value=Value.OFF)


def test_steps_are_told_apart_by_their_kind() -> None:
    """Each member of the union comes back as itself."""
    tell = Tell(command=Command(access="cli", text="x"))
    read = Command(access="cli", text="r")
    steps: tuple[Step, ...] = (
        tell,
        Find(read=read, pick="", then=tell),
        Amend(read=read, pick="", patch=(), write=tell),
    )
    remedy = Remedy(forward=steps, disruption=Disruption.REBOOT)
    assert [step["kind"] for step in to_plain(remedy)["forward"]] == ["Tell", "Find", "Amend"]
    assert from_plain(Remedy, to_plain(remedy)) == remedy
