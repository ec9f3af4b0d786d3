"""Steps: when a device accepted a command, and what a step comes to once the device was read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.errors import Refused
from sipalg_fix.model.session import Command, Reply
from sipalg_fix.model.step import (
    NOTHING,
    Amend,
    Find,
    Remedy,
    Tell,
    amended,
    check_amended,
    commands,
    denied,
    found,
    judge,
)

READ = Command(access="cli", text="show rules")


def reply(text: str = "", status: str = "ok", prompt: str = "") -> Reply:
    """What a device answered."""
    return Reply(command=READ, text=text, status=status, prompt=prompt)


def tell(
    text: str = "set sip off",
    *,
    refusals: tuple[str, ...] = (),
    tolerates: tuple[str, ...] = (),
    expects: str = "",
    prompt: str = "",
    code: str = "command-refused",
) -> Tell:
    """A step."""
    return Tell(
        command=Command(access="cli", text=text), refusals=refusals, tolerates=tolerates,
        expects=expects, prompt=prompt, code=code,
    )  # fmt: skip


ACCEPTED = [
    (tell(), reply("anything")),
    (tell(), reply("", "exit 0")),
    (tell(), reply("", "http 204")),
    (tell(refusals=("^Error",)), reply("no Error at the beginning of a line")),
    (tell(tolerates=("Nothing to delete",)), reply("Nothing to delete", "exit 1")),
    (tell(tolerates=("exists",), refusals=("Error",)), reply("Error: exists already")),
    (tell(tolerates=("exists",), expects="ok"), reply("exists")),
    (tell(expects="^saved$"), reply("a\nsaved\nb")),
    (tell(prompt="#$"), reply("", prompt="router#")),
]
REFUSED = [
    (tell(), reply("Permission denied", "exit 1"), "Permission denied"),
    (tell(), reply("\n \n", "http 500"), "http 500"),
    (tell(), reply("a\n% no \n\n", "refused"), "% no"),
    (tell(refusals=("^Err.*$",)), reply("a\nError 7\nb"), "Error 7"),
    (tell(refusals=("failed",)), reply('{"result":"failed"}', "http 200"), "failed"),
    (tell(expects="^saved$"), reply("not saved"), "not saved"),
    (tell(expects="^saved$"), reply(""), "^saved$"),
    (tell(prompt="#$"), reply("", prompt="router$"), "the prompt afterwards was 'router$'"),
    (tell(tolerates=("exists",)), reply("gone", "exit 1"), "gone"),
]


@pytest.mark.parametrize(("step", "answer"), ACCEPTED)
def test_what_a_device_accepted(step: Tell, answer: Reply) -> None:
    """The protocol says so and no refusal is in it; or it is one of those that do no harm."""
    judge(step, answer)


@pytest.mark.parametrize(("step", "answer", "said"), REFUSED)
def test_what_a_device_refused(step: Tell, answer: Reply, said: str) -> None:
    """With its own words, so that a person can look them up."""
    with pytest.raises(Refused) as caught:
        judge(step, answer)
    assert str(caught.value).startswith("set sip off: ")
    assert said in str(caught.value)
    assert caught.value.reply == answer.text


def test_a_refusal_is_the_error_that_its_step_says() -> None:
    """A save that is refused is a failed save."""
    with pytest.raises(Refused) as caught:
        judge(tell(code="save-failed"), reply("", "exit 1"))
    assert (caught.value.code, caught.value.number) == ("save-failed", "E317")


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("(?P<config_locked>locked)", "config-locked"),
        ("(?P<not_privileged>denied)|(?P<config_locked>locked)", "config-locked"),
        ("(?P<who>[a-z]+) has it (?P<config_locked>locked)", "config-locked"),
        ("(?P<who>[a-z]+) has it", "save-failed"),
        ("locked", "save-failed"),
    ],
)
def test_a_refusal_may_name_its_own_error(pattern: str, code: str) -> None:
    """A group of that name in the pattern; other groups are not taken for codes."""
    with pytest.raises(Refused) as caught:
        judge(tell(refusals=(pattern,), code="save-failed"), reply("bob has it locked"))
    assert caught.value.code == code
    assert caught.value.number.startswith("E3")


@pytest.mark.parametrize(
    ("step", "answer", "no"),
    [
        (tell(), reply("x", "exit 1"), True),
        (tell(refusals=("Err",)), reply("Error"), True),
        (tell(expects="done"), reply("garbage"), False),
        (tell(prompt="#"), reply("", prompt="$"), False),
        (tell(), reply("ok"), False),
    ],
)
def test_which_answers_say_no_in_so_many_words(step: Tell, answer: Reply, no: bool) -> None:
    """One that lacks what it must hold is refused, and proves nothing: the command may have acted."""
    assert denied(step, answer) is no


def find(pick: str = r"^(?P<handle>\d+) sip (?P<word>.*)$", *, least: int = 1, most: int = 1) -> Find:
    """Read the rules, and delete those that match."""
    return Find(read=READ, pick=pick, then=tell("delete <handle> <word> <other>"), least=least, most=most)


def test_each_place_that_matches_is_told() -> None:
    """Its groups stand where their names were; a name that is no group stays as it is."""
    told = found(find(most=2), reply("1 sip a\n2 ntp b\n3 sip c"))
    assert [step.command.text for step in told] == ["delete 1 a <other>", "delete 3 c <other>"]


def test_what_a_device_prints_is_not_filled_in_again() -> None:
    """It may print angle brackets with names in them, or backslashes."""
    (told,) = found(find(), reply(r"1 sip <handle>\1"))
    assert told.command.text == r"delete 1 <handle>\1 <other>"


def test_a_group_that_took_no_part_is_empty() -> None:
    """Nothing is written where nothing was found."""
    (told,) = found(find(r"^(?P<handle>\d+)(?P<word> x)?$"), reply("7"))
    assert told.command.text == "delete 7  <other>"


@pytest.mark.parametrize(
    ("least", "most", "text", "count"),
    [(1, 1, "", 0), (1, 1, "1 sip a\n2 sip b", 2), (2, 3, "1 sip a", 1), (0, 0, "1 sip a", 1)],
)
def test_too_few_or_too_many_places_are_a_refusal(least: int, most: int, text: str, count: int) -> None:
    """Nothing is told then."""
    with pytest.raises(Refused, match=f"{count} places match .* {least} to {most} were expected"):
        found(find(least=least, most=most), reply(text))


def test_no_place_may_be_enough() -> None:
    """Where the step says so, there is then nothing to do."""
    assert found(find(least=0), reply("")) == ()


@pytest.mark.parametrize("status", ["refused", "exit 1", "http 500"])
def test_a_refused_read_is_a_refusal(status: str) -> None:
    """That nothing matched in it proves nothing, however few may be found."""
    with pytest.raises(Refused, match="no rights"):
        found(find(least=0), reply("no rights", status))
    with pytest.raises(Refused, match="no rights"):
        amended(amend(), reply("no rights", status))


def amend(pick: str = "data.0", patch: tuple[tuple[str, str], ...] = (("sip", '"off"'),)) -> Amend:
    """Change an object that is deep in a reply."""
    return Amend(read=READ, pick=pick, patch=patch, write=tell("PUT /x <object>"))


def test_an_object_is_written_whole() -> None:
    """All that was read is in it, with the patch; angle brackets in it are no place to fill in."""
    seen = reply(json.dumps({"data": [{"id": 7, "sip": "on", "name": "a <object> ü"}]}))
    told = amended(amend(patch=(("sip", '"off"'), ("deep", '{"a":[1]}'))), seen)
    assert told.command.text == 'PUT /x {"id":7,"sip":"off","name":"a <object> ü","deep":{"a":[1]}}'
    assert told.command.access == "cli"


def test_the_reply_itself_may_be_the_object() -> None:
    """With no way to go."""
    told = amended(amend(pick=""), reply('{"sip":"on"}'))
    assert told.command.text == 'PUT /x {"sip":"off"}'


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"data":[]}', '{"data":{"0":1}}', '{"data":["x"]}', '{"other":1}', "7"]
)
def test_a_reply_without_the_object_is_a_refusal(text: str) -> None:
    """Nothing is written that was not read."""
    with pytest.raises(Refused, match=r"no object at 'data\.0'"):
        amended(amend(), reply(text))
    with pytest.raises(Refused, match=r"no object at 'data\.0'"):
        check_amended(amend(), reply(text))


def test_what_reads_back_otherwise_is_a_refusal() -> None:
    """It was accepted and not taken: the value that stands there is named."""
    check_amended(amend(), reply('{"data":[{"sip":"off","id":8}]}'))
    for now in ('"on"', "null", "false", '["off"]'):
        with pytest.raises(Refused, match="sip reads back as"):
            check_amended(amend(), reply(f'{{"data":[{{"sip":{now}}}]}}'))
    with pytest.raises(Refused, match="sip reads back as None"):
        check_amended(amend(), reply('{"data":[{}]}'))


PLAIN = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=4)


@given(PLAIN, PLAIN)
def test_what_was_written_reads_back(was: dict[str, object], patch: dict[str, object]) -> None:
    """A device that takes what it is told passes the check, and loses nothing else."""
    step = amend(pick="", patch=tuple((key, json.dumps(value)) for key, value in patch.items()))
    told = amended(step, reply(json.dumps(was)))
    body = told.command.text.removeprefix("PUT /x ")
    assert json.loads(body) == {**was, **patch}
    check_amended(step, reply(body))


def test_steps_in_the_devices_own_words() -> None:
    """What is read before stands in brackets."""
    assert commands((tell(), find(), amend())) == (
        "set sip off",
        "(show rules)",
        "delete <handle> <word> <other>",
        "(show rules)",
        'PUT /x <object>  with sip: "off"',
    )


@pytest.mark.parametrize(
    ("remedy", "empty"),
    [
        (NOTHING, True),
        (Remedy(inverse=(tell(),), resave=(tell(),), diff=("-x",)), True),
        (Remedy(forward=(tell(),)), False),
        (Remedy(save=(tell(),)), False),
        (Remedy(flush=(tell(),)), False),
        (Remedy(reboot=True), False),
        (Remedy(impossible="by hand"), False),
    ],
)
def test_when_there_is_nothing_to_do(remedy: Remedy, empty: bool) -> None:
    """What undoes a change is none."""
    assert remedy.empty is empty
