"""
Elements: what may stand under a host, a group or the defaults, and one file of them read.

The shape is Nornir's SimpleInventory, with ``site`` added. An element with something wrong in it is read
again without that, so that all other problems are found in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    SecretStr,
    ValidationError,
)

from sipalg_fix.inputs import codes, fields
from sipalg_fix.inputs.refusals import Numbers, Path, Place, problems_of, refused_paths
from sipalg_fix.inputs.strict_yaml import Entry, Node, Table, as_plain, line_of
from sipalg_fix.inputs.words import shown
from sipalg_fix.model.errors import Problem

MAX_SECONDS: Final = 3600

Name = Annotated[str, AfterValidator(fields.name), Field(min_length=1, max_length=fields.LONGEST_NAME)]
Address = Annotated[str, BeforeValidator(fields.address)]
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(fields.whole(codes.BAD_PORT, 1, 65535))]
Login = Annotated[str, AfterValidator(fields.user_name)]
Secret = Annotated[SecretStr, AfterValidator(fields.secret)]
Words = Annotated[str, AfterValidator(fields.line_of_text(codes.BAD_VALUE))]
Switch = Annotated[bool, BeforeValidator(fields.switch(codes.BAD_VALUE))]
Seconds = Annotated[
    float, Field(gt=0, le=MAX_SECONDS), BeforeValidator(fields.seconds(codes.BAD_VALUE, MAX_SECONDS))
]
Pin = Annotated[str, AfterValidator(fields.pin)]
Data = Annotated[dict[str, Any], AfterValidator(fields.data)]

STRICT: Final = ConfigDict(strict=True, extra="forbid", frozen=True)


class Extras(BaseModel):
    """Settings of one access that have no place of their own in Nornir's shape."""

    model_config = STRICT

    key_file: Words | None = Field(
        default=None, description="SSH private key; relative paths start at this file."
    )
    secret: Secret | None = Field(
        default=None, description="Second password (enable): env:NAME, file:PATH or ask."
    )
    plain: Switch | None = Field(default=None, description="Talk unencrypted (RouterOS API on port 8728).")
    tls_pin: Pin | None = Field(
        default=None, description="sha256: and the fingerprint of the device's certificate."
    )
    tls_ca: Words | None = Field(
        default=None, description="File with the CA that signed the device's certificate."
    )
    legacy_crypto: Switch | None = Field(
        None, description="Allow old cryptography (SHA-1, TLS 1.0) for a device with nothing else."
    )
    login: Words | None = Field(
        default=None, description="Which of the platform's logins it takes; found out if not said."
    )
    controller_site: Name | None = Field(
        default=None, description="Short name of the site that is meant, on a controller of many."
    )
    seconds: Seconds | None = Field(default=None, description="Hard deadline of one session.")


class Options(BaseModel):
    """How one access is reached; what is not said comes from the element itself."""

    model_config = STRICT

    hostname: Address | None = None
    port: Port | None = None
    username: Login | None = None
    password: Secret | None = None
    platform: Words | None = None
    extras: Extras | None = None


class Defaults(BaseModel):
    """What holds for every host that does not say otherwise."""

    model_config = STRICT

    hostname: Address | None = Field(default=None, description="IP address or DNS name.")
    port: Port | None = Field(default=None, description="Port of the platform's main access.")
    username: Login | None = None
    password: Secret | None = Field(default=None, description="env:NAME, file:PATH or ask.")
    platform: Words | None = Field(
        default=None,
        description="Vendor and operating system, such as ubiquiti_edgeos; auto: found out at the login.",
    )
    site: Name | None = Field(default=None, description="Where the router stands.")
    data: Data | None = Field(
        default=None, description="Your own words; shown in reports, never interpreted."
    )
    connection_options: dict[str, Options | None] | None = Field(
        default=None, description="Settings of single accesses, by the access's name."
    )


class Element(Defaults):
    """A host, or a group of them."""

    groups: list[Name] | None = Field(default=None, description="Earlier groups win over later ones.")
    pair: Name | None = Field(
        default=None, description="Name of the HA pair or stack it is a member of, the same at each member."
    )
    standby: Switch | None = Field(
        default=None, description="Does it stand by for the others of its pair? It is changed first then."
    )


class HostsFile(RootModel[dict[Name, Element | None]]):
    """Routers by name."""


class GroupsFile(RootModel[dict[Name, Element | None]]):
    """Groups by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An inventory file: as messages call it, and where it is."""

    shown: str
    path: str
    """Absolute: what relative paths in the file start from, and what secret references name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    One host, group or the defaults, and where it stands.

    ``refused`` are its keys whose values were refused: that they are missing is not worth a word more.
    """

    kind: str
    """``hosts``, ``groups`` or ``defaults``."""
    name: str
    source: Source
    line: int
    node: Node | None
    element: Defaults
    refused: frozenset[str] = frozenset()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it names, in order."""
        return tuple(self.element.groups or ()) if isinstance(self.element, Element) else ()

    @property
    def title(self) -> str:
        """As people call it."""
        return _title(self.kind, self.name)

    def line_of(self, *path: str | int) -> int:
        """The line of a key below it."""
        return max(line_of(self.node, path), self.line) if self.node is not None and path else self.line

    def problem(self, code: str, message: str, *path: str | int) -> Problem:
        """Something wrong with a key of it."""
        return Problem(file=self.source.shown, line=self.line_of(*path), code=code, message=message)


def _title(kind: str, name: str) -> str:
    """A part as people call it, printable even where its name is refused."""
    word = shown(name) if fields.wrong_with_name(name) else name
    return "the defaults" if kind == "defaults" else f"{kind.removesuffix('s')} {word}"


_HINTS: Final = {
    "ansible_host": "hostname",
    "ansible_port": "port",
    "ansible_user": "username",
    "ansible_password": "password",
    "address": "hostname",
    "host": "hostname",
    "ip": "hostname",
    "user": "username",
    "login": "username",
    "tags": "groups",
    "enable": "connection_options.<access>.extras.secret",
    "enable_secret": "connection_options.<access>.extras.secret",
    "tenant": "data.tenant",
    "vars": "data",
}
"""Keys of other tools, and what they are called here."""


def _foreign_key(key: str) -> tuple[str, str] | None:
    meant = _HINTS.get(key)
    return (codes.UNKNOWN_KEY, f"the key {shown(key)} is unknown; here it is {meant!r}") if meant else None


NUMBERS: Final = Numbers(
    shape=codes.SHAPE, unknown_key=codes.UNKNOWN_KEY, missing=codes.UNKNOWN_KEY, other_key=_foreign_key
)


def read_parts(kind: str, root: Node, source: Source) -> tuple[tuple[Part, ...], tuple[Problem, ...]]:
    """All elements of a file of hosts or groups, with what is wrong in them."""
    if not isinstance(root, Table):
        message = f"{kind} must stand here by name: 'name:' and, indented below it, its keys"
        return (), (Problem(file=source.shown, line=root.line, code=codes.SHAPE, message=message),)
    parts, problems = [], []
    for name, entry in root.entries.items():
        if bad := fields.wrong_with_name(name):
            text = f"the name {shown(name)} {bad}"
            problems.append(Problem(file=source.shown, line=entry.line, code=codes.BAD_NAME, message=text))
        part, wrong = read_part(kind, name, entry, source)
        parts.append(part)
        problems.extend(wrong)
    return tuple(parts), tuple(problems)


def read_part(kind: str, name: str, entry: Entry, source: Source) -> tuple[Part, tuple[Problem, ...]]:
    """One element, without what was refused in it, and the refusals."""
    model = Defaults if kind == "defaults" else Element
    title = _title(kind, name)
    place = Place(file=source.shown, node=entry.node, line=entry.line, title=title)
    plain = as_plain(entry.node)
    plain = {} if plain is None else plain
    problems: tuple[Problem, ...] = ()
    refused: set[str] = set()
    while True:
        try:
            element = model.model_validate(plain)
            break
        except ValidationError as error:
            problems += problems_of(error, model, place, NUMBERS)
            for path in refused_paths(error):
                refused.update({str(path[0])} & {*model.model_fields} if path else model.model_fields)
                plain = _without(plain, path)
    part = Part(
        kind=kind, name=name, source=source, line=entry.line, node=entry.node, element=element,
        refused=frozenset(refused),
    )  # fmt: skip
    return part, problems


def _without(plain: Any, path: Path) -> Any:
    """The same without what stands at the path; a list goes as a whole, and what has no place, all."""
    if not path or not isinstance(plain, dict) or path[0] not in plain:
        return {}
    key, rest = path[0], path[1:]
    below = plain.get(key)
    if rest and isinstance(below, dict) and rest[0] in below:
        return {**plain, key: _without(below, rest)}
    return {other: item for other, item in plain.items() if other != key}
