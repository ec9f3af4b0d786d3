"""
Step: one thing a remedy wants done, as data that a plan file can hold and one interpreter carries out.

A closed union. ``Tell`` sends one command. ``Find`` reads first, because ids and rule handles exist only
at apply, and tells what it found. ``Amend`` reads an object afresh, changes it, writes it whole and reads
it back, so that a plan never carries a stale object. What a step is *for* (change, save, flush, reboot)
is said by the part of the remedy it stands in.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from sipalg_fix.model.errors import HOST_CODES, Refused
from sipalg_fix.model.session import REDACTED, Command, Reply

LONGEST = 120
"""Characters of a command that a message quotes; the journal has all of it."""


class Disruption(Enum):
    """What users notice of a change, in order of weight."""

    NONE = "none"
    NEW_CALLS = "new-calls"
    """Calls being set up may fail once; phones re-register. Calls in progress go on."""
    CALLS = "calls"
    """Calls in progress may end."""
    REBOOT = "reboot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """
    Send one command that changes something.

    The device accepted it when the protocol said so and no ``refusals`` pattern is in the reply, or a
    ``tolerates`` pattern is; ``expects`` (when not empty) must be in the reply, ``prompt`` must match the
    prompt that follows. ``cuts``: the connection may go away instead of an answer (a reboot). ``opens``: it
    only opens a mode in which changes can be made, and changes nothing by itself.
    """

    TAGGED: ClassVar[bool] = True

    command: Command
    refusals: tuple[str, ...] = ()
    tolerates: tuple[str, ...] = ()
    expects: str = ""
    prompt: str = ""
    cuts: bool = False
    opens: bool = False
    code: str = "command-refused"
    """The host error this step's refusal is (a save says ``save-failed``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """
    Read, and tell once for each place where ``pick`` matches the reply.

    ``pick`` is a regular expression (multi-line); each named group replaces ``<name>`` in ``then``. With
    fewer matches than ``least``, or more than ``most``, the step is refused and nothing is told.
    """

    TAGGED: ClassVar[bool] = True

    read: Command
    pick: str
    then: Tell
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """
    Read a JSON object, merge ``patch`` into it, write it whole, read it back and compare.

    ``pick`` is the way to the object in the reply, separated by dots: keys, indices, and ``key=usg`` for the
    one item of a list that says so (``data.0``, ``data.key=usg``; empty: the reply itself). ``patch`` is
    (key, JSON text) pairs. ``write`` holds ``<object>`` where it goes.
    """

    TAGGED: ClassVar[bool] = True

    read: Command
    pick: str
    patch: tuple[tuple[str, str], ...]
    write: Tell


Step = Tell | Find | Amend


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A reason not to carry out a plan. Accepted by its code, inside the fingerprint."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """
    What would bring one host to the intent, and what undoes it; computed from what was seen.

    ``inverse`` undoes ``forward``; ``resave`` follows it where ``save`` was carried out, so that the saved
    configuration, too, is as it was. ``reboot``: without a restart the change does not act. ``diff`` is
    what the running configuration is expected to lose (``-``) and gain (``+``). ``impossible``: why no
    command of ours can do it, and what a person must do.
    """

    forward: tuple[Step, ...] = ()
    inverse: tuple[Step, ...] = ()
    save: tuple[Step, ...] = ()
    resave: tuple[Step, ...] = ()
    flush: tuple[Step, ...] = ()
    reboot: bool = False
    disruption: Disruption = Disruption.NONE
    diff: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    impossible: str = ""

    @property
    def empty(self) -> bool:
        """Is there nothing to do?"""
        return not (self.forward or self.save or self.flush or self.reboot or self.impossible)


NOTHING = Remedy()


def judge(tell: Tell, reply: Reply) -> None:
    """
    Raise :class:`Refused` unless the device accepted the command.

    Its code is the step's own, or that of a refusal pattern which names one by a group:
    ``(?P<config_locked>temporarily locked)`` is ``config-locked``.
    """
    text = reply.text
    if any(re.search(pattern, text, re.MULTILINE) for pattern in tell.tolerates):
        return
    said = _last_words(text) or reply.status
    refused = next(filter(None, (re.search(each, text, re.MULTILINE) for each in tell.refusals)), None)
    if not reply.ok or refused:
        words = _line(text, refused) if refused else f"{said} ({reply.status})"
        raise Refused(
            f"{_brief(tell.command)}: the device said {words!r}", reply=text, code=_code(refused) or tell.code
        )
    if tell.expects and not re.search(tell.expects, text, re.MULTILINE):
        raise Refused(
            f"{_brief(tell.command)}: no {tell.expects!r} in its answer {said!r}", reply=text, code=tell.code
        )
    if tell.prompt and not re.search(tell.prompt, reply.prompt):
        raise Refused(
            f"{_brief(tell.command)}: the prompt afterwards was {reply.prompt!r}", reply=text, code=tell.code
        )


def denied(tell: Tell, reply: Reply) -> bool:
    """
    Did the device say no in so many words? An answer that merely lacks what it must hold is refused, too
    (:func:`judge`), yet the command may have acted.
    """
    return not reply.ok or any(re.search(each, reply.text, re.MULTILINE) for each in tell.refusals)


def _brief(command: Command) -> str:
    """The command as a message names it: one that carries a whole object is told by its beginning."""
    return command.text if len(command.text) <= LONGEST else command.text[: LONGEST - 1] + "…"


def _line(text: str, found: re.Match[str]) -> str:
    """The line, or lines, in which something was found."""
    begun = text[: found.start()].rpartition("\n")[2]
    rest = text[found.end() :].partition("\n")[0]
    return f"{begun}{found[0]}{rest}".strip()


def _code(refused: re.Match[str] | None) -> str:
    """The code that a refusal pattern names, or nothing: other groups are the driver's own."""
    named = refused.groupdict() if refused else {}
    codes = (name.replace("_", "-") for name, word in named.items() if word is not None)
    return next((code for code in codes if code in HOST_CODES), "")


def found(find: Find, reply: Reply) -> tuple[Tell, ...]:
    """The commands a Find comes to, from what was read; :class:`Refused` when too few or too many match."""
    if not reply.ok:
        raise Refused(f"{find.read.text}: {_last_words(reply.text) or reply.status}", reply=reply.text)
    matches = list(re.finditer(find.pick, reply.text, re.MULTILINE))
    if not find.least <= len(matches) <= find.most:
        raise Refused(
            f"{find.read.text}: {len(matches)} places match {find.pick!r}, "
            f"{find.least} to {find.most} were expected",
            reply=reply.text,
        )
    return tuple(_filled(find.then, match.groupdict()) for match in matches)


def amended(amend: Amend, reply: Reply) -> Tell:
    """
    The write an Amend comes to, from what was read just before. :class:`Refused` when what was read holds
    something redacted: written back, that would take the place of the secret.
    """
    changed = {**_object(amend, reply), **_patch(amend)}
    body = json.dumps(changed, separators=(",", ":"), ensure_ascii=False)
    if REDACTED in body:
        message = f"{amend.read.text}: it holds a secret, which this tool does not read: change it by hand"
        raise Refused(message, reply=reply.text)
    return _filled(amend.write, {"object": body})


def check_amended(amend: Amend, reply: Reply) -> None:
    """Raise :class:`Refused` when the object read back does not hold the patch."""
    now = _object(amend, reply)
    for key, value in _patch(amend).items():
        if now.get(key) != value:
            raise Refused(f"{amend.read.text}: {key} reads back as {now.get(key)!r}", reply=reply.text)


def _object(amend: Amend, reply: Reply) -> dict[str, Any]:
    if not reply.ok:
        raise Refused(f"{amend.read.text}: {_last_words(reply.text) or reply.status}", reply=reply.text)
    try:
        value: Any = json.loads(reply.text)
        for key in filter(None, amend.pick.split(".")):
            value = _item(value, key) if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError):
        raise Refused(f"{amend.read.text}: no object at {amend.pick!r}", reply=reply.text) from None
    if not isinstance(value, dict):
        raise Refused(f"{amend.read.text}: no object at {amend.pick!r}", reply=reply.text)
    return value


def _item(items: list[Any], key: str) -> Any:
    """By number, or the one whose ``name`` is ``word`` (``name=word``); ValueError unless there is one."""
    name, told, word = key.partition("=")
    if not told:
        return items[int(key)]
    (item,) = (item for item in items if isinstance(item, dict) and item.get(name) == word)
    return item


def _patch(amend: Amend) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in amend.patch}


def _filled(tell: Tell, words: dict[str, str | Any]) -> Tell:
    """The command with its ``<name>``s filled, all at once: what a device said is not filled in again."""

    def word(match: re.Match[str]) -> str:
        return (words[match[1]] or "") if match[1] in words else match[0]

    text = re.sub(r"<(\w+)>", word, tell.command.text)
    return replace(tell, command=replace(tell.command, text=text))


def _last_words(text: str) -> str:
    """The last line that says something: what a person would quote."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def commands(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The steps in the device's own words, for people: what is read before it stands in brackets."""
    lines: list[str] = []
    for step in steps:
        match step:
            case Tell(command=command):
                lines.append(command.text)
            case Find(read=read, then=then):
                lines.extend((f"({read.text})", then.command.text))
            case Amend(read=read, patch=patch, write=write):
                changes = ", ".join(f"{key}: {value}" for key, value in patch)
                lines.extend((f"({read.text})", f"{write.command.text}  with {changes}"))
    return tuple(lines)
