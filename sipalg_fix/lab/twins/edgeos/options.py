"""
How a virtual EdgeRouter may begin: which model, and in which state somebody left it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sipalg_fix.lab.twin import User
from sipalg_fix.lab.twins.edgeos.factory import MODELS, Sip
from sipalg_fix.lab.twins.edgeos.kernel import CONNTRACK_SIP, NAT_SIP
from sipalg_fix.lab.twins.edgeos.schema import complaint

UNLOADED = {"both": (), "conntrack": (NAT_SIP,), "none": (NAT_SIP, CONNTRACK_SIP)}
UISP = "wss://uisp.example.net:443+0a1b2c3d4e5f60718293a4b5c6d7e8f9+allowUntrustedCertificate"
UNSAVED = "set firewall name WAN_LOCAL rule 30 description 'temporary VPN test'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The start options as the router uses them; :func:`read_options` makes them from plain ones."""

    model: str = "ER-4"
    version: str = "v2.0.9-hotfix.7"
    host_name: str = ""
    running: Sip = field(default_factory=Sip)
    startup: Sip = field(default_factory=Sip)
    unloaded: tuple[str, ...] = ()
    in_use: bool = False
    revisions: int = 0
    uisp: str = ""
    unsaved: tuple[str, ...] = ()
    phones: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """
    The options as one writes them in Python or in ``lab.yaml``.

    ``running`` and ``startup`` say whether the SIP ALG is on in that configuration (``startup`` is as
    ``running`` unless given), ``modules`` which of its kernel modules are loaded: both, conntrack, none
    (by default what the running configuration means). ``ports``, ``indirect_media``,
    ``indirect_signalling`` and ``empty`` are children of ``modules sip`` in both configurations.
    ``in_use`` lets something else hold nf_conntrack_sip. ``revisions`` are the commit-revisions (0: not
    configured, as delivered). ``uisp`` is a connection string or true, ``unsaved`` somebody's edit that
    was committed and not saved, as a set command or true. ``phones`` counts SIP phones behind the box.
    """

    model: str = "ER-4"
    version: str = "v2.0.9-hotfix.7"
    host_name: str = ""
    running: bool = True
    startup: bool | None = None
    modules: str = ""
    ports: tuple[int, ...] | list[int] = ()
    indirect_media: bool = False
    indirect_signalling: bool = False
    empty: bool = False
    in_use: bool = False
    revisions: int = 0
    uisp: bool | str = False
    unsaved: bool | str = False
    phones: int = 2


def read_options(given: Mapping[str, Any]) -> Options:
    """Check plain options; raises :class:`ValueError` that names the first one that is wrong."""
    known = {each.name for each in fields(Plain)}
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} for an EdgeOS twin; known are {', '.join(sorted(known))}"
            )
    plain = Plain(**given)
    modules = plain.modules or ("both" if plain.running else "none")
    for name, value, choices in (("model", plain.model, MODELS), ("modules", modules, UNLOADED)):
        if value not in choices:
            raise ValueError(f"option {name!r} is {value!r}, and can be {', '.join(choices)}")
    startup = plain.running if plain.startup is None else plain.startup
    return Options(
        model=plain.model,
        version=plain.version,
        host_name=plain.host_name,
        running=_sip(plain, off=not plain.running),
        startup=_sip(plain, off=not startup),
        unloaded=UNLOADED[modules],
        in_use=plain.in_use,
        revisions=plain.revisions,
        uisp=UISP if plain.uisp is True else plain.uisp or "",
        unsaved=_edit(UNSAVED if plain.unsaved is True else plain.unsaved or ""),
        phones=plain.phones,
    )


def _sip(plain: Plain, *, off: bool) -> Sip:
    return Sip(
        off=off,
        ports=tuple(plain.ports),
        indirect_media=plain.indirect_media,
        indirect_signalling=plain.indirect_signalling,
        empty=plain.empty,
    )


def accounts(given: Mapping[str, Any] | None) -> dict[str, User] | None:
    """Users by name, from values that are already users or plain mappings."""
    if given is None:
        return None
    return {name: user if isinstance(user, User) else User(**user) for name, user in given.items()}


def _edit(command: str) -> tuple[str, ...]:
    words = shlex.split(command)
    if words and (words[0] != "set" or complaint(words[1:], setting=True)):
        raise ValueError(f"option 'unsaved' is no set command that an EdgeOS router takes: {command}")
    return tuple(words[1:])
