"""
Merging: one host from its own words, its groups' and the defaults'.

Nearest wins: the host itself, then its groups in their order (each followed by its own groups), then the
defaults. For an access, what is said of it by name, anywhere, goes before what is said of the host as a
whole, as in Nornir; and each of ``extras`` is inherited for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.elements import Options, Part
from sipalg_fix.inputs.references import absolute, reference
from sipalg_fix.inputs.shapes import AccessKind, PlatformShape
from sipalg_fix.model.errors import Problem
from sipalg_fix.model.host import AccessSettings, Host, SecretRef

_PLAIN: Final = ("plain", "tls_pin", "legacy_crypto", "login", "controller_site", "seconds")
"""Extras that are taken as they are."""

T = TypeVar("T")
Said = tuple[T, Part, tuple[str, ...]]
"""A value, the element that says it, and the keys that lead to it there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """
    A host and all that it inherits from, nearest first. ``groups``: their names, in order.

    ``whole``: all groups that are named are there; if not, nothing can be said to be missing.
    """

    host: Part
    parts: tuple[Part, ...]
    groups: tuple[str, ...]
    whole: bool = True

    def first(self, key: str) -> Said[Any] | None:
        """The nearest value of a key of the elements themselves."""
        found = ((getattr(part.element, key, None), part) for part in self.parts)
        return next(((value, part, (key,)) for value, part in found if value is not None), None)

    def refused(self, *keys: str) -> bool:
        """Was a value of one of these keys refused anywhere? Then it is missing for that reason."""
        return any(part.refused & {*keys, "groups"} for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One access of one host: what is said of it, nearest first."""

    name: str
    kind: AccessKind
    main: bool
    lineage: Lineage
    options: tuple[tuple[Options, Part, str], ...]
    """With the element and the name under which it is said there."""

    def first(self, key: str) -> Said[Any] | None:
        """What is said of the access by name."""
        for options, part, name in self.options:
            if (value := getattr(options, key)) is not None:
                return value, part, ("connection_options", name, key)
        return None

    def value(self, key: str) -> Said[Any] | None:
        """What is said of the access by name, else of the host; a port is the main access's alone."""
        own = self.first(key)
        return own or (self.lineage.first(key) if self.main or key != "port" else None)

    def extra(self, key: str) -> Said[Any] | None:
        """One of the extras, if it means anything to this kind of access."""
        if key not in self.kind.extras:
            return None
        for options, part, name in self.options:
            if options.extras is not None and (value := getattr(options.extras, key)) is not None:
                return value, part, ("connection_options", name, "extras", key)
        return None


def site_of(part: Part) -> tuple[str, tuple[str, ...]] | None:
    """The site an element names, as ``site`` or among its data, and where."""
    if part.element.site is not None:
        return part.element.site, ("site",)
    named = (part.element.data or {}).get("site")
    return (named, ("data", "site")) if isinstance(named, str) and named else None


def make_host(
    lineage: Lineage, shape: PlatformShape, data: Mapping[str, str]
) -> tuple[Host, tuple[Problem, ...]]:
    """The host, and what it lacks or contradicts."""
    host = lineage.host
    sites = (site_of(part) for part in lineage.parts)
    ways = tuple(_ways(lineage, shape))
    problems = [problem for way in ways for problem in _problems(way)]
    if not any(way.value("hostname") for way in ways[:1]):
        if not lineage.refused("hostname", "connection_options"):
            problems.append(host.problem(codes.NO_ADDRESS, f"{host.title} has no address: add 'hostname'"))
        ways = ()
    return (
        Host(
            name=host.name,
            platform=shape.name,
            site=next((site[0] for site in sites if site), ""),
            groups=lineage.groups,
            accesses={way.name: _settings(way) for way in ways},
            data=data,
            pair=(lineage.first("pair") or ("",))[0],
            standby=(lineage.first("standby") or (None,))[0],
            source=f"{host.source.shown}:{host.line}",
        ),
        tuple(problems),
    )


def _ways(lineage: Lineage, shape: PlatformShape) -> Iterator[_Way]:
    """The main access first, and the others that are named anywhere and do not only stand in for it."""
    main = shape.main(part.element.connection_options or {} for part in lineage.parts)
    others = [access for access in shape.kinds if access not in (main, shape.usual, *shape.instead)]
    for access in (main, *others):
        said = [
            (options or Options(), part, name)
            for part in lineage.parts
            for name, options in (part.element.connection_options or {}).items()
            if shape.access(name) == access
        ]
        if access == main or said:
            kind = shape.kinds[access]
            yield _Way(name=access, kind=kind, main=access == main, lineage=lineage, options=tuple(said))


def _problems(way: _Way) -> Iterator[Problem]:
    host = way.lineage.host
    needs_user = way.kind not in (AccessKind.HTTPS_JSON, AccessKind.HTTPS_SHELL)
    if needs_user and not way.value("username") and not way.lineage.refused("username", "connection_options"):
        message = f"{host.title} has no user name for its access {way.name!r}: add 'username'"
        yield host.problem(codes.NO_USERNAME, message)
    port, plain = way.value("port"), way.extra("plain")
    if way.kind is AccessKind.ROUTEROS_API and port and port[0] == 8728 and not (plain and plain[0]):
        _, part, path = port
        message = (
            f"port 8728 is the API without encryption: use 8729, "
            f"or say 'plain: true' under connection_options.{way.name}.extras"
        )
        if not part.refused & {"connection_options"}:
            yield part.problem(codes.PLAIN_PORT, message, *path)


def _settings(way: _Way) -> AccessSettings:
    address, port, user = way.value("hostname"), way.value("port"), way.value("username")
    given = {key: said[0] for key in _PLAIN if (said := way.extra(key))}
    return AccessSettings(
        address=address[0] if address else "",
        port=port[0] if port else 0,
        username=user[0] if user else "",
        password=_secret(way.value("password")),
        key_file=_path(way.extra("key_file")),
        secret=_secret(way.extra("secret")),
        tls_ca=_path(way.extra("tls_ca")),
        **given,
    )


def _secret(said: Said[SecretStr] | None) -> SecretRef | None:
    if said is None:
        return None
    secret, part, path = said
    return reference(part, path, secret)


def _path(said: Said[str] | None) -> str:
    if said is None:
        return ""
    path, part, _ = said
    return absolute(part, path)
