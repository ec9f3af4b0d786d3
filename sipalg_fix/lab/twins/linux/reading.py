"""
Reading what nft is given, on its command line or in a file, as things to do. (nft(8), "Input file formats".)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sipalg_fix.lab.twins.linux.expression import Part, Token, Unexpected, read_rule
from sipalg_fix.lab.twins.linux.ruleset import PRIORITIES, Op

FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
KINDS = ("table", "chain", "rule", "set", "map", "ct", "ruleset", "element")
_TOKEN = re.compile(r'(\\\n|[ \t]+|#[^\n]*)|(\n)|"([^"\n]*)"|([{};,])|([^\s{};,"#]+)')


def tokens(text: str) -> list[Token]:
    """All tokens; blanks, comments and joined lines are left out."""
    found: list[Token] = []
    line, begin, at = 1, 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unexpected(Token(text=text[at], line=line, start=at - begin + 1, end=at - begin + 1))
        skipped, newline, string, mark, word = match.groups()
        start, end = match.start() - begin + 1, match.end() - begin
        at = match.end()
        if skipped is not None:
            if skipped == "\\\n":
                line, begin = line + 1, at
            continue
        shown = newline or string or mark or word or ""
        found.append(Token(text=shown, quoted=string is not None, line=line, start=start, end=end))
        if newline:
            line, begin = line + 1, at
    return found


class Reader:
    """``include`` gives the texts of the files that a name or pattern stands for."""

    def __init__(self, text: str, include: Callable[[str], list[str]]) -> None:
        self._text = text
        self._rest = tokens(text)
        self._include = include
        self._last = Token(text="")

    def ops(self) -> list[Op]:
        """Everything in order; Unexpected for a syntax error."""
        found: list[Op] = []
        while True:
            while self._next_is("\n", ";"):
                self._take()
            if not self._rest:
                return found
            found += self._command()

    # Tokens.

    def _next_is(self, *texts: str) -> bool:
        return bool(self._rest) and not self._rest[0].quoted and self._rest[0].text in texts

    def _take(self) -> Token:
        if not self._rest:
            raise Unexpected(self._end())
        self._last = self._rest.pop(0)
        return self._last

    def _end(self) -> Token | None:
        """Where a file ends: at the beginning of the line after its last. None for a command line."""
        return Token(text="", line=self._text.count("\n") + 1) if "\n" in self._text else None

    def _expect(self, *texts: str) -> Token:
        token = self._take()
        if token.text not in texts:
            raise Unexpected(token)
        return token

    def _lines(self) -> None:
        while self._next_is("\n", ";"):
            self._take()

    def _ended(self) -> None:
        if self._rest and not self._next_is("\n", ";", "}"):
            raise Unexpected(self._rest[0])

    def _family(self) -> str:
        return self._take().text if self._next_is(*FAMILIES) else "ip"

    # Commands.

    def _command(self) -> list[Op]:
        if self._next_is("table"):
            self._take()
            return self._table_block()
        if self._next_is("include"):
            self._take()
            return [
                op for text in self._include(self._take().text) for op in Reader(text, self._include).ops()
            ]
        verb = self._take()
        if verb.text not in ("add", "create", "insert", "delete", "replace", "flush"):
            raise Unexpected(None if not self._rest else self._rest[0])
        kind = self._take() if self._next_is(*KINDS) else Token(text="rule")
        match kind.text:
            case "ruleset":
                return [self._ruleset(verb)]
            case "table":
                if verb.text in ("add", "create") and self._braced():
                    return self._table_block()
                family, name = self._family(), self._take()
                self._ended()
                return [Op(verb=verb.text, kind="table", family=family, name=name.text, at=name, whole=name)]
            case "chain":
                return [self._chain_command(verb.text)]
            case "ct":
                self._expect("helper")
                return [self._helper_command(verb)]
            case "rule":
                return [self._rule_command(verb.text)]
            case _:
                raise Unexpected(kind)

    def _ruleset(self, verb: Token) -> Op:
        if verb.text != "flush":
            raise Unexpected(self._last)
        self._ended()
        return Op(verb="flush", kind="ruleset", at=verb, whole=self._last)

    def _braced(self) -> bool:
        return any(token.text == "{" for token in self._rest[:3])

    def _chain_command(self, verb: str) -> Op:
        family, table, name = self._family(), self._take(), self._take()
        hook, policy = None, ""
        if self._next_is("{"):
            self._take()
            hook, policy = self._header()
            self._expect("}")
        self._ended()
        return Op(
            verb=verb, kind="chain", family=family, table=table.text, name=name.text, at=name, whole=name,
            hook=hook, policy=policy,
        )  # fmt: skip

    def _helper_command(self, verb: Token) -> Op:
        family, table, name = self._family(), self._take(), self._take()
        helper = ("", "")
        if self._next_is("{"):
            helper = self._helper_body()
        self._ended()
        at = name if verb.text == "delete" else verb
        return Op(
            verb=verb.text, kind="ct helper", family=family, table=table.text, name=name.text, at=at,
            whole=self._last, helper=helper,
        )  # fmt: skip

    def _rule_command(self, verb: str) -> Op:
        family, table, name = self._family(), self._take(), self._take()
        place = None
        whole = name
        if self._next_is("handle", "index", "position"):
            kind = self._take()
            number = self._take()
            if not number.text.isdigit():
                raise Unexpected(number)
            place = ("index" if kind.text == "index" else "handle", int(number.text))
            long = Token(text="", line=number.line, start=kind.start, end=number.end)
            whole = number if kind.text == "handle" else long
        parts = () if verb == "delete" else self._rule()
        self._ended()
        return Op(
            verb=verb, kind="rule", family=family, table=table.text, name=name.text, at=name, whole=whole,
            parts=parts, place=place,
        )  # fmt: skip

    def _rule(self) -> tuple[Part, ...]:
        try:
            return read_rule(self._rule_tokens())
        except Unexpected:
            # nft notices at what follows the rule, whichever word it did not know (recorded).
            raise Unexpected(self._rest[0] if self._rest else self._end()) from None

    def _rule_tokens(self) -> list[Token]:
        found: list[Token] = []
        depth = 0
        while self._rest and (depth or not self._next_is("\n", ";", "}")):
            token = self._take()
            depth += {"{": 1, "}": -1}.get(token.text, 0) if not token.quoted else 0
            if token.text != "\n" or token.quoted:
                found.append(token)
        return found

    # Blocks.

    def _table_block(self) -> list[Op]:
        family, name = self._family(), self._take()
        made = Op(verb="add", kind="table", family=family, name=name.text, at=name, whole=name)
        if not self._next_is("{"):
            self._ended()
            return [made]
        self._take()
        chains: list[Op] = []
        objects: list[Op] = []
        rules: list[Op] = []
        while True:
            self._lines()
            if self._next_is("}"):
                self._take()
                break
            match self._take().text:
                case "chain":
                    chain, inside = self._chain_block(family, name.text)
                    chains.append(chain)
                    rules += inside
                case "ct":
                    self._expect("helper")
                    objects.append(self._helper_block(family, name.text))
                case "set" | "map" as kind:
                    objects.append(self._named_block(kind, family, name.text))
                case "comment":
                    self._take()
                case _:
                    raise Unexpected(self._last)
        # So the kernel hears of them (recorded by their handles).
        return [made, *chains, *objects, *rules]

    def _chain_block(self, family: str, table: str) -> tuple[Op, list[Op]]:
        name = self._take()
        self._expect("{")
        hook, policy = None, ""
        rules: list[Op] = []
        while True:
            self._lines()
            if self._next_is("}"):
                self._take()
                break
            if self._next_is("type", "policy"):
                found, chosen = self._header()
                hook, policy = found or hook, chosen or policy
                continue
            if self._next_is("comment"):
                self._take()
                self._take()
                continue
            parts = self._rule()
            rules.append(
                Op(verb="add", kind="rule", family=family, table=table, name=name.text, at=name, whole=name,
                   parts=parts)
            )  # fmt: skip
        chain = Op(
            verb="add", kind="chain", family=family, table=table, name=name.text, at=name, whole=name,
            hook=hook, policy=policy,
        )  # fmt: skip
        return chain, rules

    def _header(self) -> tuple[tuple[str, str, str] | None, str]:
        """``type filter hook input priority 0; policy drop;`` or either half of it."""
        hook, policy = None, ""
        if self._next_is("type"):
            self._take()
            kind = self._expect("filter", "nat", "route").text
            self._expect("hook")
            point = self._expect("prerouting", "input", "forward", "output", "postrouting", "ingress").text
            if self._next_is("device"):
                self._take()
                self._take()
            self._expect("priority")
            hook = (kind, point, self._priority())
        self._lines()
        if self._next_is("policy"):
            self._take()
            policy = self._expect("accept", "drop").text
        self._lines()
        return hook, policy

    def _priority(self) -> str:
        words = []
        while self._rest and not self._next_is("\n", ";", "}"):
            words.append(self._take().text)
        found = re.fullmatch(r"([a-z]*)\s*(?:([-+])?\s*([0-9]+))?", " ".join(words))
        if found is None or (found.group(1) and found.group(1) not in PRIORITIES):
            raise Unexpected(self._last)
        name, sign, digits = found.groups()
        number = PRIORITIES.get(name, 0) + (int(digits) if digits else 0) * (-1 if sign == "-" else 1)
        return priority_name(number)

    def _helper_block(self, family: str, table: str) -> Op:
        name = self._take()
        helper = self._helper_body()
        # An error is shown at the brace's place before it (recorded).
        at = Token(text="", line=name.line, start=name.end + 1, end=name.end + 1)
        return Op(
            verb="add", kind="ct helper", family=family, table=table, name=name.text, at=at, whole=at,
            helper=helper,
        )  # fmt: skip

    def _helper_body(self) -> tuple[str, str]:
        self._expect("{")
        self._lines()
        self._expect("type")
        kind = self._take().text
        self._expect("protocol")
        protocol = self._expect("udp", "tcp").text
        self._lines()
        if self._next_is("l3proto"):
            self._take()
            self._take()
            self._lines()
        self._expect("}")
        return kind, protocol

    def _named_block(self, kind: str, family: str, table: str) -> Op:
        name = self._take()
        self._expect("{")
        lines: list[str] = []
        current: list[str] = []
        depth = 0
        while depth or not self._next_is("}"):
            token = self._take()
            depth += {"{": 1, "}": -1}.get(token.text, 0) if not token.quoted else 0
            if token.text in ("\n", ";") and not token.quoted and not depth:
                lines += [" ".join(current)] if current else []
                current = []
            elif token.text != "\n":
                current.append(token.shown)
        self._take()
        lines += [" ".join(current)] if current else []
        text = tuple(line.replace(" ,", ",") for line in lines)
        return Op(
            verb="add", kind=kind, family=family, table=table, name=name.text, at=name, whole=name, lines=text
        )


def priority_name(number: int) -> str:
    """As nft lists it: by name where there is one within ten."""
    for name, value in PRIORITIES.items():
        if abs(number - value) <= 10:
            gap = number - value
            return name if not gap else f"{name} {'+' if gap > 0 else '-'} {abs(gap)}"
    return str(number)
