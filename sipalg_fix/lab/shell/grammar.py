"""
Reading commands: chains, pipelines, compound commands. (XCU 2.9 and 2.10 of POSIX.1-2017.)

What is left out (functions, ``[[``, arrays, ``&>``, ``<<<``) is an error before anything is done: a
script that this shell half understands must not half run.
"""

from __future__ import annotations

import re

from sipalg_fix.lab.shell.syntax import (
    Case,
    Chain,
    Command,
    For,
    Group,
    If,
    Loop,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Text,
    Word,
)
from sipalg_fix.lab.shell.words import ENDS_WORD, NAME, Reader

_CLOSERS = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}"})
_LEFT_OUT = frozenset({"[[", "function", "select", "time", "coproc"})
_RESERVED = re.compile(
    r"(?:if|then|elif|else|fi|do|done|while|until|for|case|esac|[{}!]|\[\[|function|select|time|coproc)(?=[\s;&|<>()]|$)"
)
_DESCRIPTOR = re.compile(r"([0-9]*)(<<-|<<<|<<|<&|<>|<|>>|>&|>\||>)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


def parse(text: str) -> Script:
    """Read a whole script, or ScriptError."""
    reader = Reader(text, script)
    found = script(reader)
    if reader.next:
        raise reader.error(
            f'"{reader.text[reader.at : reader.at + 2] if reader.rest(";;") else reader.next}" unexpected'
        )
    return found


def script(reader: Reader, *stops: str) -> Script:
    """Chains, up to the end, a closing parenthesis, ``;;``, or one of these reserved words."""
    chains: list[Chain] = []
    while True:
        reader.gaps()
        if not reader.next or reader.next == ")" or reader.rest(";;"):
            break
        word = _reserved(reader)
        if word in stops:
            break
        if word in _CLOSERS or reader.next in ";&|":
            raise reader.error(f'"{word or reader.next}" unexpected')
        chains.append(_chain(reader))
    return Script(chains=tuple(chains))


def _reserved(reader: Reader) -> str:
    found = _RESERVED.match(reader.text, reader.at)
    return found.group() if found else ""


def _chain(reader: Reader) -> Chain:
    start = reader.at
    links = [("", _pipeline(reader))]
    while operator := next((each for each in ("&&", "||") if reader.take(each)), ""):
        reader.gaps()
        links.append((operator, _pipeline(reader)))
    source = reader.text[start : reader.at].strip()
    background = False
    if reader.rest("&>"):
        raise reader.error("&> is not supported")
    if reader.take("&"):
        background = True
    elif not (reader.rest(";;") or reader.take(";") or reader.next in ("", "\n", ")")):
        raise reader.error(f'"{reader.next}" unexpected')
    return Chain(links=tuple(links), background=background, source=source)


def _pipeline(reader: Reader) -> Pipeline:
    reader.blanks()
    negated = False
    while _reserved(reader) == "!":
        reader.at += 1
        reader.blanks()
        negated = not negated
    commands = [_command(reader)]
    while not reader.rest("||") and reader.take("|"):
        if reader.next == "&":
            raise reader.error("|& is not supported")
        reader.gaps()
        commands.append(_command(reader))
    return Pipeline(commands=tuple(commands), negated=negated)


def _command(reader: Reader) -> Command:
    reader.blanks()
    if reader.rest("(("):
        raise reader.error("((...)) is not supported")
    if reader.take("("):
        body = script(reader)
        if not reader.take(")"):
            raise reader.error('end of file unexpected (expecting ")")')
        return Group(body=_some(reader, body), subshell=True, redirections=_redirections(reader))
    word = _reserved(reader)
    match word:
        case "{":
            reader.at += 1
            body = _until(reader, "}")
            return Group(body=body, subshell=False, redirections=_redirections(reader))
        case "if":
            return _if(reader)
        case "while" | "until":
            reader.at += 5
            condition = _until(reader, "do")
            body = _until(reader, "done")
            return Loop(
                condition=condition, until=word == "until", body=body, redirections=_redirections(reader)
            )
        case "for":
            return _for(reader)
        case "case":
            return _case(reader)
        case "":
            return _simple(reader)
        case _:
            said = f"{word} is not supported" if word in _LEFT_OUT else f'"{word}" unexpected'
            raise reader.error(said)


def _some(reader: Reader, body: Script) -> Script:
    if not body.chains:
        raise reader.error(f'"{_reserved(reader) or ")"}" unexpected')
    return body


def _until(reader: Reader, *ends: str) -> Script:
    """A script that is not empty and one of the words that end it, which is gone past."""
    body = script(reader, *ends)
    word = _reserved(reader)
    if word not in ends:
        unexpected = f'"{reader.next}"' if reader.next else "end of file"
        raise reader.error(f'{unexpected} unexpected (expecting "{ends[0]}")')
    _some(reader, body)
    reader.at += len(word)
    return body


def _if(reader: Reader) -> If:
    arms: list[tuple[Script, Script]] = []
    otherwise = Script()
    reader.at += 2
    while True:
        condition = _until(reader, "then")
        body = script(reader, "fi", "elif", "else")
        arms.append((condition, _some(reader, body)))
        if _reserved(reader) == "elif":
            reader.at += 4
            continue
        if _reserved(reader) == "else":
            reader.at += 4
            otherwise = _until(reader, "fi")
        elif _reserved(reader) == "fi":
            reader.at += 2
        else:
            raise reader.error('end of file unexpected (expecting "fi")')
        return If(arms=tuple(arms), otherwise=otherwise, redirections=_redirections(reader))


def _for(reader: Reader) -> For:
    reader.at += 3
    reader.blanks()
    name = NAME.match(reader.text, reader.at)
    if name is None:
        raise reader.error("Bad for loop variable")
    reader.at = name.end()
    reader.gaps()
    words: list[Word] | None = None
    if re.compile(r"in(?=[\s;])").match(reader.text, reader.at):
        reader.at += 2
        words = []
        reader.blanks()
        while word := reader.word():
            words.append(word)
            reader.blanks()
    reader.take(";")
    reader.gaps()
    if _reserved(reader) != "do":
        raise reader.error(f'"{reader.next}" unexpected (expecting "do")')
    reader.at += 2
    body = _until(reader, "done")
    return For(
        name=name.group(),
        words=None if words is None else tuple(words),
        body=body,
        redirections=_redirections(reader),
    )


def _case(reader: Reader) -> Case:
    reader.at += 4
    reader.blanks()
    word = reader.word()
    reader.gaps()
    if not re.compile(r"in(?=\s)").match(reader.text, reader.at):
        raise reader.error('expecting "in"')
    reader.at += 2
    arms: list[tuple[tuple[Word, ...], Script]] = []
    while True:
        reader.gaps()
        if _reserved(reader) == "esac":
            reader.at += 4
            return Case(word=word, arms=tuple(arms), redirections=_redirections(reader))
        reader.take("(")
        patterns: list[Word] = []
        while True:
            reader.blanks()
            patterns.append(reader.word())
            reader.blanks()
            if not patterns[-1]:
                raise reader.error('end of file unexpected (expecting "esac")')
            if not reader.take("|"):
                break
        if not reader.take(")"):
            raise reader.error(f'"{reader.next}" unexpected (expecting ")")')
        arms.append((tuple(patterns), script(reader, "esac")))
        reader.take(";;")


def _simple(reader: Reader) -> Simple:
    line = reader.line
    assignments: list[tuple[str, Word]] = []
    words: list[Word] = []
    redirections: list[Redirection] = []
    while True:
        reader.blanks()
        redirection = _redirection(reader)
        if redirection is not None:
            redirections.append(redirection)
            continue
        assignment = None if words else _ASSIGNMENT.match(reader.text, reader.at)
        if assignment is not None:
            reader.at = assignment.end()
            if reader.next == "(":
                raise reader.error("arrays are not supported")
            assignments.append((assignment.group(1), reader.word()))
            continue
        word = reader.word()
        if not word:
            break
        words.append(word)
    if reader.next == "(" and words:
        raise reader.error("functions are not supported" if reader.rest("()") else '"(" unexpected')
    if not (assignments or words or redirections):
        unexpected = f'"{reader.next}"' if reader.next else "end of file"
        raise reader.error(f"{unexpected} unexpected".replace('"\n"', "newline"))
    return Simple(
        line=line, assignments=tuple(assignments), words=tuple(words), redirections=tuple(redirections)
    )


def _redirections(reader: Reader) -> tuple[Redirection, ...]:
    found: list[Redirection] = []
    reader.blanks()
    while (redirection := _redirection(reader)) is not None:
        found.append(redirection)
        reader.blanks()
    if reader.next and reader.next not in ENDS_WORD:
        raise reader.error(f'"{reader.next}" unexpected')
    return tuple(found)


def _redirection(reader: Reader) -> Redirection | None:
    found = _DESCRIPTOR.match(reader.text, reader.at)
    if found is None:
        return None
    digits, operator = found.groups()
    if operator == "<<<":
        raise reader.error("<<< is not supported")
    line = reader.line
    reader.at = found.end()
    descriptor = int(digits) if digits else int(operator[0] == ">")
    if operator in ("<<", "<<-"):
        target = reader.document(strip_tabs=operator == "<<-")
        return Redirection(line=line, descriptor=descriptor, operator="<<", target=target)
    reader.blanks()
    target = reader.word()
    if not target:
        raise reader.error("a redirection needs a target")
    if operator in ("<&", ">&"):
        text = target[0].text if len(target) == 1 and isinstance(target[0], Text) else ""
        if not (text.isdigit() or text == "-"):
            raise reader.error(f"{operator} needs the number of a descriptor")
    return Redirection(line=line, descriptor=descriptor, operator=operator, target=target)
