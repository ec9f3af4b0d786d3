"""
One rule of iptables: its options read, in the words of iptables-save, and as nft sees it.

Recorded from iptables 1.8.9 (nf_tables): the order of options, ``-m udp`` that is added, ``/32`` that is
added to a single address, and what ``nft list ruleset`` makes of each.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from sipalg_fix.lab.twins.linux.expression import Part, read_rule
from sipalg_fix.lab.twins.linux.reading import tokens

TARGETS = ("ACCEPT", "DROP", "RETURN", "CT", "MASQUERADE", "REJECT", "LOG", "NOTRACK")
_HEAD = {
    "-s": "-s", "--source": "-s", "--src": "-s", "-d": "-d", "--destination": "-d", "--dst": "-d",
    "-i": "-i", "--in-interface": "-i", "-o": "-o", "--out-interface": "-o", "-p": "-p", "--protocol": "-p",
}  # fmt: skip
_MATCHED = {
    "--dport": "", "--destination-port": "", "--sport": "", "--source-port": "",
    "--dports": "multiport", "--sports": "multiport", "--ports": "multiport",
    "--ctstate": "conntrack", "--state": "state", "--comment": "comment", "--limit": "limit",
}  # fmt: skip
_OF_TARGET = {
    "CT": ("--helper", "--zone", "--notrack"),
    "REJECT": ("--reject-with",),
    "LOG": ("--log-prefix", "--log-level"),
    "MASQUERADE": ("--random",),
}
_FLAGS = ("--notrack", "--random")


class BadRule(Exception):
    """Cannot be read; the message is what iptables says, the status what it ends with."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Spec:
    """What was read, by option; a value begins with ``! `` if it was negated."""

    head: dict[str, str] = field(default_factory=dict)
    matches: list[tuple[str, str, str]] = field(default_factory=list)
    """(match, option, value) in order."""
    target: str = ""
    extras: list[tuple[str, str]] = field(default_factory=list)


def read_spec(words: list[str], chains: set[str]) -> Spec:
    """The options of a rule; ``chains`` are those that may be jumped to."""
    spec = Spec()
    rest = list(words)
    negated = ""
    while rest:
        option = rest.pop(0)
        if option == "!":
            negated = "! "
            continue
        if option in ("-m", "--match"):
            _value(rest, option)
            continue
        known = _OF_TARGET.get(spec.target, ())
        if option in _HEAD:
            spec.head[_HEAD[option]] = negated + _value(rest, option)
        elif option in _MATCHED:
            match = _MATCHED[option] or spec.head.get("-p", "").removeprefix("! ")
            if match not in ("udp", "tcp", "sctp") and not _MATCHED[option]:
                raise BadRule(f'unknown option "{option}"')
            short = {"--destination-port": "--dport", "--source-port": "--sport"}.get(option, option)
            spec.matches.append((match, short, negated + _value(rest, option)))
        elif option in ("-j", "--jump", "-g", "--goto"):
            spec.target = _value(rest, option)
            if spec.target not in TARGETS and spec.target not in chains:
                if rest:
                    raise BadRule(f'unknown option "{rest[0]}"')
                raise BadRule(f"Chain '{spec.target}' does not exist")
        elif option in known:
            spec.extras.append((option, "" if option in _FLAGS else _value(rest, option)))
        else:
            raise BadRule(f'unknown option "{option}"')
        negated = ""
    return spec


def _value(rest: list[str], option: str) -> str:
    if not rest:
        raise BadRule(f'option "{option}" requires an argument')
    return rest.pop(0)


def saved(spec: Spec) -> str:
    """The rule as iptables-save prints it, after ``-A CHAIN``."""
    words: list[str] = []
    for option in ("-s", "-d", "-i", "-o", "-p"):
        if option in spec.head:
            value = spec.head[option]
            if option in ("-s", "-d") and "/" not in value:
                value += "/128" if ":" in value else "/32"
            words += _negated(option, value)
    last = ""
    for match, option, value in spec.matches:
        if match != last:
            words += ["-m", match]
        last = match
        words += _negated(option, value)
    if spec.target:
        words += ["-j", spec.target]
    for option, value in spec.extras:
        words += [option, *([_quoted(value)] if value else [])]
    return " ".join(words)


def _negated(option: str, value: str) -> list[str]:
    bare = value.removeprefix("! ")
    return ["!", option, _quoted(bare)] if bare != value else [option, _quoted(bare)]


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w@%+=:,./-]+", value) else f'"{value}"'


def words_of(text: str) -> list[str]:
    """The words of a line of iptables-save."""
    return shlex.split(text)


def as_nft(spec: Spec, family: str) -> tuple[Part, ...]:
    """The rule as ``nft list ruleset`` shows it."""
    parts: list[Part] = []
    for option, name in (("-i", "iifname"), ("-o", "oifname")):
        if option in spec.head:
            parts += _parts(name, f'"{spec.head[option].removeprefix("! ")}"', spec.head[option])
    for option, name in (("-s", "saddr"), ("-d", "daddr")):
        if option in spec.head:
            value = spec.head[option]
            parts += _parts(f"{family} {name}", value.removeprefix("! "), value)
    protocol = spec.head.get("-p", "")
    ports = [match for match, _, _ in spec.matches if match == protocol]
    if protocol and not ports:
        parts += _parts("meta l4proto", protocol.removeprefix("! "), protocol)
    for match, option, value in spec.matches:
        parts += _match_part(match, option, value, protocol)
    parts += read_rule(tokens("counter packets 0 bytes 0"))
    return (*parts, *_target_parts(spec))


def _parts(key: str, value: str, given: str) -> list[Part]:
    between = "!= " if given.startswith("! ") else ""
    return list(read_rule(tokens(f"{key} {between}{value}")))


def _match_part(match: str, option: str, value: str, protocol: str) -> list[Part]:
    bare = value.removeprefix("! ")
    match option:
        case "--dport" | "--sport":
            return _parts(f"{match} {option[2:]}", bare.replace(":", "-"), value)
        case "--dports" | "--sports":
            return _parts(f"{protocol} {option[2:-1]}", f"{{ {bare.replace(':', '-')} }}", value)
        case "--ctstate" | "--state":
            order = [
                each
                for each in ("invalid", "related", "established", "new")
                if each.upper() in bare.split(",")
            ]
            return [
                Part(kind="match", key="ct state", text=f"ct state {','.join(order)}", values=tuple(order))
            ]
        case _:
            # A comment leaves nothing but a second blank (recorded).
            return [Part(kind="other", text="")]


def _target_parts(spec: Spec) -> list[Part]:
    match spec.target:
        case "":
            return []
        case "ACCEPT" | "DROP" | "RETURN" | "MASQUERADE" | "REJECT" | "NOTRACK":
            return list(read_rule(tokens(spec.target.lower())))
        case "CT" if ("--notrack", "") in spec.extras:
            return list(read_rule(tokens("notrack")))
        case "CT" | "LOG":
            return list(read_rule(tokens(f"xt target {spec.target}")))
        case chain:
            return list(read_rule(tokens(f"jump {chain}")))
