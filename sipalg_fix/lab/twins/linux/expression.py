"""
One nftables rule: reading its words, printing it as nft does, and asking whether it takes a packet.

Written from nft(8) 1.0.6, "Expressions" and "Statements", and listings recorded from that version. What
is not known here is a syntax error, as a word that nft does not know is one there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELDS = {
    "ip": ("saddr", "daddr", "protocol", "dscp", "ttl", "length"),
    "ip6": ("saddr", "daddr", "nexthdr", "hoplimit", "dscp"),
    "udp": ("sport", "dport", "length"),
    "tcp": ("sport", "dport", "flags"),
    "th": ("sport", "dport"),
    "icmp": ("type", "code"),
    "icmpv6": ("type", "code"),
    "ct": ("state", "helper", "status", "mark", "zone", "direction", "original", "label"),
    "meta": ("mark", "l4proto", "nfproto", "pkttype", "iif", "oif", "iifname", "oifname", "length", "skuid"),
}
_INTERFACES = ("iif", "oif", "iifname", "oifname")
_VERDICTS = ("accept", "drop", "return", "continue")
_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_STATES = ("invalid", "established", "related", "new", "untracked")
_SERVICES = {"sip": "5060", "sip-tls": "5061", "ssh": "22", "domain": "53", "http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word, a string (``quoted``), or one of ``{ } ; , newline``, with where it stands (from 1)."""

    text: str
    quoted: bool = False
    line: int = 1
    start: int = 1
    end: int = 1

    @property
    def shown(self) -> str:
        """As nft prints it."""
        return f'"{self.text}"' if self.quoted else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    One expression or statement. ``kind`` is match, helper, counter, verdict, comment or other.

    ``key`` is what is matched (``udp dport``), ``value`` with what; for helper the object's name or the
    text of a map, for verdict the target of a jump.
    """

    kind: str
    text: str
    key: str = ""
    negated: bool = False
    values: tuple[str, ...] = ()
    token: Token | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What rules can see of the first packet of a connection."""

    protocol: str
    source: str
    destination: str
    sport: int
    dport: int
    family: str = "ip"


class Unexpected(Exception):
    """A syntax error at a token, or at the end if None."""

    def __init__(self, token: Token | None) -> None:
        super().__init__()
        self.token = token


def read_rule(tokens: list[Token]) -> tuple[Part, ...]:
    """The parts of a rule."""
    reader = _Reader(tokens)
    parts: list[Part] = []
    while reader.rest:
        if any(part.kind == "comment" for part in parts):
            raise Unexpected(None)
        ended = any(part.kind == "verdict" for part in parts)
        if ended and reader.rest[0].text != "comment":
            raise Unexpected(None)
        parts.append(reader.part())
    if not parts:
        raise Unexpected(None)
    return tuple(parts)


def shown(parts: tuple[Part, ...], *, stateless: bool = False) -> str:
    """The rule as nft lists it; ``stateless`` is ``nft -s``."""
    text = " ".join(part.text for part in parts)
    return re.sub(r"counter packets \d+ bytes \d+", "counter", text) if stateless else text


def sets_in(parts: tuple[Part, ...]) -> int:
    """How many sets and maps without a name it makes: each takes a handle."""
    return sum("{" in part.text for part in parts)


def takes(parts: tuple[Part, ...], packet: Packet) -> bool:
    """Does every match hold? What a packet here does not have (interfaces, marks) is taken as holding."""
    return all(_holds(part, packet) for part in parts if part.kind == "match")


def helper_for(parts: tuple[Part, ...], packet: Packet) -> str:
    """The helper object that the rule sets for this packet; empty for none."""
    if not takes(parts, packet):
        return ""
    for part in parts:
        if part.kind == "helper":
            if not part.key:
                return part.values[0]
            wanted = str(_field(part.key, packet))
            for pair in part.values:
                value, _, name = pair.partition(" : ")
                if _within(wanted, value):
                    return name.strip('"')
    return ""


def _holds(part: Part, packet: Packet) -> bool:
    actual = _field(part.key, packet)
    if actual is None:
        return True
    return any(_within(str(actual), value) for value in part.values) != part.negated


def _field(key: str, packet: Packet) -> str | int | None:
    layer, _, name = key.partition(" ")
    match layer, name:
        case ("udp" | "tcp", _):
            if packet.protocol != layer:
                return ""
            return {"sport": packet.sport, "dport": packet.dport}.get(name)
        case ("th", "sport" | "dport"):
            return packet.sport if name == "sport" else packet.dport
        case ("ip" | "ip6", "saddr" | "daddr"):
            if packet.family != layer:
                return ""
            return packet.source if name == "saddr" else packet.destination
        case ("meta", "l4proto") | ("ip", "protocol"):
            return packet.protocol
        case _:
            return None


def _within(actual: str, value: str) -> bool:
    if value.startswith("@"):
        return True
    first, dash, last = value.partition("-")
    if dash and first.isdigit() and last.isdigit() and actual.isdigit():
        return int(first) <= int(actual) <= int(last)
    address, slash, length = value.partition("/")
    if slash and "." in address and "." in actual:
        return _bits(actual)[: int(length)] == _bits(address)[: int(length)]
    return actual == value


def _bits(address: str) -> str:
    return "".join(f"{int(each):08b}" for each in address.split("."))


class _Reader:
    """Takes a rule's tokens from the left."""

    def __init__(self, tokens: list[Token]) -> None:
        self.rest = list(tokens)

    def take(self) -> Token:
        if not self.rest:
            raise Unexpected(None)
        return self.rest.pop(0)

    def word(self, *allowed: str) -> str:
        token = self.take()
        if allowed and token.text not in allowed:
            raise Unexpected(None)
        return token.text

    def next_is(self, *texts: str) -> bool:
        return bool(self.rest) and self.rest[0].text in texts and not self.rest[0].quoted

    def part(self) -> Part:
        first = self.take()
        if first.quoted:
            raise Unexpected(first)
        match first.text:
            case "ct" if self.next_is("helper", "mark", "zone", "label") and self._sets():
                return self._ct_set()
            case "meta" if self.next_is("mark", "priority", "nftrace") and self._sets():
                return self._meta_set()
            case name if name in _FIELDS:
                return self._match(f"{name} {self.word(*_FIELDS[name])}")
            case name if name in _INTERFACES:
                return self._match(name)
            case name if name in _VERDICTS:
                return Part(kind="verdict", text=name)
            case "jump" | "goto" as name:
                target = self.take()
                return Part(kind="verdict", text=f"{name} {target.text}", values=(target.text,), token=target)
            case "counter":
                return self._counter()
            case "comment":
                text = self.take()
                return Part(kind="comment", text=f'comment "{text.text}"', values=(text.text,))
            case "log" | "limit" | "reject" | "masquerade" | "snat" | "dnat" | "redirect" | "notrack":
                return self._statement(first.text)
            case "xt":
                return Part(kind="other", text=f"xt {self.word('target', 'match')} {self.word()}")
            case _:
                raise Unexpected(None)

    def _sets(self) -> bool:
        return len(self.rest) > 1 and self.rest[1].text == "set"

    def _ct_set(self) -> Part:
        key = self.word()
        self.take()
        if key != "helper":
            value = self._value()
            return Part(kind="other", text=f"ct {key} set {value}")
        name = self.take()
        if name.text not in _FIELDS or name.quoted:
            # Recorded: "ct helper set sip" is listed as "ct helper set "sip"".
            return Part(kind="helper", text=f'ct helper set "{name.text}"', values=(name.text,), token=name)
        field = f"{name.text} {self.word(*_FIELDS[name.text])}"
        self.word("map")
        if self.next_is("{"):
            pairs = self._braces()
            text = f"ct helper set {field} map {{ {', '.join(pairs)} }}"
            return Part(kind="helper", text=text, key=field, values=pairs)
        named = self.word()
        return Part(kind="helper", text=f"ct helper set {field} map {named}", key=field)

    def _meta_set(self) -> Part:
        key = self.word()
        self.take()
        return Part(kind="other", text=f"meta {key} set {self._value()}")

    def _counter(self) -> Part:
        if self.next_is("packets"):
            self.take()
            packets = self.word()
            self.word("bytes")
            return Part(kind="counter", text=f"counter packets {packets} bytes {self.word()}")
        return Part(kind="counter", text="counter packets 0 bytes 0")

    def _statement(self, name: str) -> Part:
        # The words of these are few and their order is free enough; what follows is kept as it is.
        known = {
            "log": ("prefix", "level", "group", "flags", "all", "info", "warn", "debug", "notice"),
            "limit": ("rate", "over", "burst", "packets", "bytes"),
            "reject": ("with", "icmp", "icmpv6", "icmpx", "type", "tcp", "reset", "port-unreachable"),
            "masquerade": ("random", "fully-random", "persistent", "to"),
            "snat": ("to", "ip", "ip6", "random", "persistent"),
            "dnat": ("to", "ip", "ip6", "random", "persistent"),
            "redirect": ("to",),
            "notrack": (),
        }[name]
        words = [name]
        while self.rest and (
            self.rest[0].quoted
            or self.rest[0].text in known
            or re.match(r":?\d|\[?[0-9a-f]*:", self.rest[0].text)
            or words[-1] in ("to", "type")
        ):
            words.append(self.take().shown)
        kind = "verdict" if name in ("reject", "masquerade", "snat", "dnat", "redirect") else "other"
        return Part(kind=kind, text=" ".join(words))

    def _match(self, key: str) -> Part:
        operator = self.word() if self.next_is(*_COMPARISONS) else "=="
        values = self._values(key)
        text = ",".join(values)
        if values and self._set:
            text = f"{{ {', '.join(values)} }}"
        between = "" if operator == "==" else f" {operator}"
        bare = tuple(value.strip('"') for value in values)
        return Part(
            kind="match",
            text=f"{key}{between} {text}",
            key=key,
            negated=operator == "!=",
            values=bare if operator in ("==", "!=") else (),
        )

    _set = False

    def _values(self, key: str) -> tuple[str, ...]:
        self._set = self.next_is("{")
        found = self._braces() if self._set else (self._value(),)
        if key in _INTERFACES or key == "ct helper":
            # Recorded: "iif lo" is listed as "iif "lo"".
            return tuple(f'"{each}"' if not each.startswith(('"', "@")) else each for each in found)
        if key.endswith(("dport", "sport")):
            return tuple(_SERVICES.get(each, each) for each in found)
        if key == "ct state" and not self._set:
            given = found[0].split(",")
            if not set(given) <= set(_STATES):
                raise Unexpected(None)
            return tuple(each for each in _STATES if each in given)
        return found

    def _value(self) -> str:
        token = self.take()
        text = token.shown
        if text in ("{", "}", ";") or (not token.quoted and text in _VERDICTS):
            raise Unexpected(None)
        while self.next_is(","):
            self.take()
            text += "," + self.take().shown
        return text

    def _braces(self) -> tuple[str, ...]:
        self.word("{")
        found: list[str] = []
        current = ""
        while not self.next_is("}"):
            token = self.take()
            if token.text == "," and not token.quoted:
                found.append(current)
                current = ""
            else:
                current += (" " if current else "") + token.shown
        self.take()
        found = [each for each in [*found, current] if each]
        if not found:
            raise Unexpected(None)
        return tuple(sorted(found, key=_number)) if all(":" not in each for each in found) else tuple(found)


def _number(text: str) -> tuple[int, str]:
    first = re.match(r"\d+", text)
    return (int(first.group()) if first and "." not in text else 0, text)
