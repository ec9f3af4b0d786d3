"""
Playbook: what shall be true and how carefully, read from one file.

pydantic models of the file's shape, and the model's Playbook built from them. Keys that later versions
will have are refused by name, so that nobody believes them heeded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sipalg_fix.inputs import codes, fields
from sipalg_fix.inputs.course import CallsText, Pace, WindowBlock, calls_of, rollout_of, window_of
from sipalg_fix.inputs.probepoints import PointBlock, point_of
from sipalg_fix.inputs.refusals import Numbers, Place, problems_of, unsaid
from sipalg_fix.inputs.selection import terms_of
from sipalg_fix.inputs.strict_yaml import (
    Listing,
    Node,
    Scalar,
    Table,
    as_plain,
    decode,
    line_of,
    parse,
    read_file,
)
from sipalg_fix.inputs.words import did_you_mean, listed, shown
from sipalg_fix.model.approval import ApprovalRule
from sipalg_fix.model.assessment import PLANES, Exemption, Intent
from sipalg_fix.model.errors import InputError, Problem
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

VERSION: Final = 1
GUARD_MINUTES: Final = (2, 120)
"""One is never enough: a Vyatta's timer cuts to whole minutes. IOS takes no more than 120."""
FORKS: Final = (1, 500)
LOGINS: Final = (1, 1000)
APPROVERS: Final = (1, 10)
RECIPIENT: Final = r"age1[02-9ac-hj-np-z]{58}"
"""X25519 recipients (age-encryption.org/v1), in Bech32."""
RESERVED: Final = ("notify", "schedule")
ALL_PLANES: Final = (*PLANES, "packets")
HOW_KEYS: Final = ("reboot", "guard", "guard_minutes", "flush")


def _pattern(value: str) -> str:
    if not value.strip():
        raise fields.refusal(codes.PLAYBOOK_PATTERN, "is blank; write 'all' if all hosts are meant")
    if wrong := terms_of(value)[1]:
        raise fields.refusal(codes.PLAYBOOK_PATTERN, "; ".join(wrong))
    return value


def _off(value: object) -> object:
    if value is False or (isinstance(value, str) and value.lower() in fields.NO):
        return "off"
    raise fields.refusal(codes.BAD_INTENT, "must be 'off': this tool switches SIP ALG off, and nothing on")


def _planes(value: object) -> object:
    if isinstance(value, list) and value and all(plane in ALL_PLANES for plane in value):
        return value
    message = f"must be a list of one or more of {listed(ALL_PLANES)}"
    strange = [plane for plane in value if isinstance(plane, str)] if isinstance(value, list) else []
    strange = [plane for plane in strange if plane not in ALL_PLANES]
    if strange:
        message += f"; {shown(strange[0])} is none{did_you_mean(strange[0], ALL_PLANES)}"
    raise fields.refusal(codes.BAD_PLANES, message)


def _recipient(value: str) -> str:
    if not re.fullmatch(RECIPIENT, value):
        message = "must be a public key that 'age-keygen' prints, age1 and 58 more letters"
        raise fields.refusal(codes.BAD_RECIPIENT, message)
    return value


def _version(value: object) -> object:
    if value in (VERSION, str(VERSION)) and not isinstance(value, bool):
        return VERSION
    raise fields.refusal(codes.PLAYBOOK_VERSION, f"this tool reads version {VERSION}")


Pattern = Annotated[str, AfterValidator(_pattern)]
Text = Annotated[str, AfterValidator(fields.line_of_text(codes.BAD_TEXT))]
Day = Annotated[
    str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), BeforeValidator(fields.iso_date(codes.BAD_DATE))
]
Switch = Annotated[bool, BeforeValidator(fields.switch(codes.BAD_CHOICE))]
Reboot = Annotated[RebootRule, BeforeValidator(fields.choice(codes.BAD_CHOICE, RebootRule))]
Guard = Annotated[GuardRule, BeforeValidator(fields.choice(codes.BAD_CHOICE, GuardRule))]
Minutes = Annotated[
    int,
    Field(ge=GUARD_MINUTES[0], le=GUARD_MINUTES[1]),
    BeforeValidator(fields.whole(codes.OUT_OF_RANGE, *GUARD_MINUTES)),
]
Forks = Annotated[
    int, Field(ge=FORKS[0], le=FORKS[1]), BeforeValidator(fields.whole(codes.OUT_OF_RANGE, *FORKS))
]
Logins = Annotated[
    int, Field(ge=LOGINS[0], le=LOGINS[1]), BeforeValidator(fields.whole(codes.OUT_OF_RANGE, *LOGINS))
]
Approvers = Annotated[
    int,
    Field(ge=APPROVERS[0], le=APPROVERS[1]),
    BeforeValidator(fields.whole(codes.OUT_OF_RANGE, *APPROVERS)),
]
Recipient = Annotated[str, AfterValidator(_recipient)]
Off = Annotated[Literal["off"], BeforeValidator(_off)]
Planes = Annotated[list[Literal["running", "startup", "operational", "packets"]], BeforeValidator(_planes)]

STRICT: Final = ConfigDict(strict=True, extra="forbid", frozen=True)


class IntentBlock(BaseModel):
    """What shall be true."""

    model_config = STRICT

    sip_alg: Off = "off"
    planes: Planes = Field(
        default=["running", "startup", "operational"],
        min_length=1,
        description="Where it must be shown to be off.",
    )


class HowBlock(BaseModel):
    """How a host is changed."""

    model_config = STRICT

    reboot: Reboot | None = Field(default=None, description="When a change ends with a restart.")
    guard: Guard | None = Field(
        default=None, description="When a change is enclosed in the device's timed revert."
    )
    guard_minutes: Minutes | None = Field(
        default=None, description="Minutes until an unconfirmed change is reverted."
    )
    flush: Switch | None = Field(default=None, description="Drop the SIP state the router still holds.")


class OverrideBlock(HowBlock):
    """Other words for some hosts. Later overrides win."""

    select: Pattern


class ExemptBlock(BaseModel):
    """Hosts where the intent need not hold."""

    model_config = STRICT

    select: Pattern
    reason: Text
    until: Day = Field(description="Last day, such as 2027-01-31.")


class ApprovalBlock(BaseModel):
    """Who must approve a plan before it is carried out."""

    model_config = STRICT

    allowed_signers: Text = Field(
        description="A file as in ssh-keygen(1), ALLOWED SIGNERS; from the playbook's folder."
    )
    required: Approvers = Field(default=1, description="How many persons, the author not counted.")


class ProbeBlock(PointBlock):
    """The hosts that a computer stands behind, and the command that probes from there."""

    select: Pattern


class BackupBlock(BaseModel):
    """What is kept of a router before its change, besides the redacted configuration."""

    model_config = STRICT

    recipients: list[Recipient] = Field(
        min_length=1, description="age public keys; whoever has a secret key of one can open the originals."
    )


class RolloutBlock(Pace):
    """Who goes first, how many at once, how long to wait, when to stop."""

    canary: Pattern | None = Field(default=None, description="Those of them that are changed go first.")


class PlaybookFile(BaseModel):
    """A playbook."""

    model_config = STRICT

    version: Annotated[Literal[1], BeforeValidator(_version)]
    name: Text | None = Field(default=None, description="For reports; else the file's name.")
    intent: IntentBlock = IntentBlock()
    select: Pattern | None = Field(default=None, description="Which hosts; else all of the inventory.")
    how: HowBlock = HowBlock()
    overrides: list[OverrideBlock] = []
    exempt: list[ExemptBlock] = []
    probes: list[ProbeBlock] = Field(default=[], description="Of several for one host, the first is meant.")
    forks: Forks = Field(default=10, description="Hosts at a time.")
    logins_per_second: Logins | None = Field(
        default=None, description="With one set of credentials; without it, as many as there are."
    )
    rollout: RolloutBlock | None = Field(default=None, description="Without it, all in one batch.")
    windows: list[WindowBlock] = Field(default=[], description="Without any, at any time.")
    calls: CallsText = Field(default="wait 15m", description="What to do about calls that might be cut.")
    approval: ApprovalBlock | None = Field(default=None, description="Without it, nobody need approve.")
    backup: BackupBlock | None = Field(default=None, description="Without it, no original is kept.")


def read_playbook(path: Path | str) -> Playbook:
    """The playbook in this file; :class:`InputError` holds all that is wrong in it."""
    shown_path = str(path)
    text = decode(read_file(Path(path), shown_path), shown_path)
    notes: list[Problem] = []
    root = parse(text, shown_path, notes) or Table(entries={}, line=1)
    place = Place(file=shown_path, node=root, line=1)
    if problem := _wrong_version(root, place):
        raise InputError(unsaid(notes, [problem]))
    blanks = tuple(_blanks(root, ()))
    problems = [_problem(place, codes.MISSING_KEY, _blank_words(blank), *blank) for blank in blanks]
    plain = as_plain(root)
    problems.extend(_idle_overrides(plain, place))
    try:
        file = PlaybookFile.model_validate(plain)
    except ValidationError as error:
        problems.extend(problems_of(error, PlaybookFile, place, NUMBERS, skip=frozenset(blanks)))
        raise InputError(unsaid(notes, problems)) from None
    if notes or problems:
        raise InputError(unsaid(notes, problems))
    return _built(file, Path(path), text, _approval(file.approval, Path(path), place))


def _reserved_key(key: str) -> tuple[str, str] | None:
    if key not in RESERVED:
        return None
    message = f"the key {key!r} is kept for later and does nothing yet: remove it"
    return codes.RESERVED_KEY, message


NUMBERS: Final = Numbers(
    shape=codes.PLAYBOOK_SHAPE,
    unknown_key=codes.PLAYBOOK_KEY,
    missing=codes.MISSING_KEY,
    other_key=_reserved_key,
)


def _problem(place: Place, code: str, message: str, *path: int | str) -> Problem:
    line = line_of(place.node, path)
    return Problem(file=place.file, line=line, code=code, message=message)


def _wrong_version(root: Node, place: Place) -> Problem | None:
    """Nothing else is told of a playbook of another version: its keys may mean other things."""
    if not isinstance(root, Table):
        return _problem(place, codes.PLAYBOOK_SHAPE, "a playbook is a mapping, one 'key: value' a line")
    said = root.entries.get("version")
    if said is None:
        return _problem(
            place, codes.PLAYBOOK_VERSION, f"the playbook does not begin with 'version: {VERSION}'"
        )
    if not isinstance(said.node, Scalar) or said.node.text != str(VERSION):
        message = f"this tool reads playbooks of version {VERSION}: write 'version: {VERSION}'"
        return _problem(place, codes.PLAYBOOK_VERSION, message, "version")
    return None


def _blanks(node: Node, path: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Where a key stands and nothing after it: half-written, or eaten by YAML (``select: &berlin``)."""
    match node:
        case Scalar() if node.empty:
            yield path
        case Listing(items=items):
            for number, item in enumerate(items):
                yield from _blanks(item, (*path, number))
        case Table(entries=entries):
            for key, entry in entries.items():
                yield from _blanks(entry.node, (*path, key))
        case _:
            pass


def _blank_words(path: tuple[int | str, ...]) -> str:
    return f"nothing stands after {path[-1]!r}: say something, or leave it out"


def _idle_overrides(plain: Any, place: Place) -> Iterator[Problem]:
    overrides = plain.get("overrides")
    for number, override in enumerate(overrides if isinstance(overrides, list) else ()):
        if isinstance(override, dict) and not override.keys() - {"select"}:
            message = f"this override says nothing but 'select': add one of {listed(HOW_KEYS)}"
            yield _problem(place, codes.EMPTY_OVERRIDE, message, "overrides", number)


def _approval(block: ApprovalBlock | None, path: Path, place: Place) -> ApprovalRule | None:
    """The rule, with the digest of the signers as they are now; they are listed beside the playbook."""
    if block is None:
        return None
    signers = (path.parent / Path(block.allowed_signers).expanduser()).absolute()
    where = ("approval", "allowed_signers")
    try:
        listed_now = signers.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        message = f"the signers' file {shown(block.allowed_signers)} cannot be read: {why}"
        raise InputError((_problem(place, codes.NO_SIGNERS, message, *where),)) from None
    digest = "sha256:" + hashlib.sha256(listed_now).hexdigest()
    return ApprovalRule(allowed_signers=str(signers), digest=digest, required=block.required)


def _built(file: PlaybookFile, path: Path, text: str, approval: ApprovalRule | None) -> Playbook:
    return Playbook(
        name=file.name or path.stem,
        intent=Intent(sip_alg=file.intent.sip_alg, planes=frozenset(file.intent.planes)),
        select=file.select or "",
        how=_how(file.how).over(DEFAULT_HOW),
        overrides=tuple(Override(select=block.select, how=_how(block)) for block in file.overrides),
        exemptions=tuple(
            Excused(select=block.select, exemption=Exemption(reason=block.reason, until=block.until))
            for block in file.exempt
        ),
        probes=tuple(Behind(select=block.select, point=point_of(block, path)) for block in file.probes),
        forks=file.forks,
        logins_per_second=file.logins_per_second or 0,
        rollout=rollout_of(file.rollout, file.rollout.canary or "") if file.rollout else None,
        windows=tuple(map(window_of, file.windows)),
        calls=calls_of(file.calls),
        approval=approval,
        recipients=tuple(file.backup.recipients) if file.backup else (),
        source=str(path),
        text=text,
    )


def _how(block: HowBlock) -> How:
    return How(reboot=block.reboot, guard=block.guard, guard_minutes=block.guard_minutes, flush=block.flush)
