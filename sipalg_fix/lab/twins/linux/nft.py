"""The command ``nft``, in the words of version 1.0.6 as recorded."""

from __future__ import annotations

import fnmatch
import re

from sipalg_fix.lab.shell.files import FileSystem, absolute
from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twins.linux.expression import Token, Unexpected
from sipalg_fix.lab.twins.linux.kernel import CONNTRACK_SIP, Kernel
from sipalg_fix.lab.twins.linux.listing import RELEASE, VERSION, Listing, as_json
from sipalg_fix.lab.twins.linux.modules import load_on_demand
from sipalg_fix.lab.twins.linux.reading import FAMILIES, Reader
from sipalg_fix.lab.twins.linux.ruleset import NO_SUCH, Op, Problem, Ruleset, Table

_NOT_ROOT = (
    "Operation not permitted (you must be root)\n"
    "netlink: Error: cache initialization failed: Operation not permitted\n"
)
_COMPATIBLE = re.compile(r"-m (?:conntrack|state|multiport|limit)\b|-j (?:CT|MASQUERADE|LOG|REJECT)\b")


def nft(call: Call, kernel: Kernel) -> int:
    """The whole command."""
    flags: set[str] = set()
    rest = call.arguments[1:]
    file = ""
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        option = rest.pop(0)
        long = {"--handle": "a", "--json": "j", "--stateless": "s", "--check": "c", "--file": "f"}
        letters = long.get(option, option[1:])
        if not re.fullmatch(r"[ajsnycvf]+", letters):
            call.err(f"nft: invalid option -- '{letters.lstrip('-')[:1]}'\n")
            return 1
        flags |= set(letters)
        if letters.endswith("f"):
            file = rest.pop(0) if rest else ""
    if "v" in flags:
        call.out(f"nftables v{VERSION} ({RELEASE})\n")
        return 0
    if file:
        return _from_file(call, kernel, file, check="c" in flags)
    if not rest:
        call.err("nft: no command specified\n")
        return 1
    if rest[0] == "list" or (rest[0].startswith("list ")):
        return _list(call, kernel, " ".join(rest).split(), flags)
    text = " ".join(rest)
    return change(call, kernel, text, "", check="c" in flags)


def _from_file(call: Call, kernel: Kernel, file: str, *, check: bool) -> int:
    if file == "-":
        return change(call, kernel, call.process.source.read(), "/dev/stdin", check=check)
    try:
        text = call.files.read(call.path(file), call.process.user)
    except OSError as why:
        call.err(f'internal:0:0-0: Error: Could not open file "{file}": {why.strerror}\n\n\n')
        return 1
    return change(call, kernel, text, file, check=check)


def change(call: Call, kernel: Kernel, text: str, file: str, *, check: bool) -> int:
    """Do what a text says, if the box lets anybody; ``file`` is where it stands, if in a file."""
    refused = _refusal(call, kernel)
    if refused and not check:
        whole = Token(text="", end=len(text.partition("\n")[0]))
        _complain(call, text, file, [Problem(message=f"Could not process rule: {refused}", at=whole)])
        return 1
    return load(call, kernel, text, file, check=check)


def load(call: Call, kernel: Kernel, text: str, file: str, *, check: bool) -> int:
    """Do what a text says, as a whole or not at all."""
    try:
        ops = Reader(text, lambda name: included(call.files, name)).ops()
    except Unexpected as wrong:
        token = wrong.token or _end_of(text)
        word = {"": "end of file" if file else "newline", "\n": "newline"}.get(token.text, token.text)
        _complain(call, text, file, [Problem(message=f"syntax error, unexpected {word}", at=token)])
        return 1
    except OSError as why:
        call.err(f"{file}: Error: {why.strerror}\n")
        return 1
    trial = kernel.rules.copy()
    problems = [problem for op in ops if (problem := _applied(op, trial, call, kernel)) is not None]
    if problems or check:
        kernel.rules.burn(trial)
        _complain(call, text, file, problems)
        return int(bool(problems))
    if ops:
        kernel.talk()
        kernel.rules.take(trial)
        kernel.want_modules()
        kernel.chassis.wrote()
    return 0


def _refusal(call: Call, kernel: Kernel) -> str:
    switches = kernel.chassis.switches
    if call.process.user != "root":
        return "Operation not permitted"
    if switches.locked:
        return "Device or resource busy"
    return "Operation not supported" if switches.refuse_writes else ""


def _applied(op: Op, trial: Ruleset, call: Call, kernel: Kernel) -> Problem | None:
    if op.kind == "ct helper" and op.verb in ("add", "create"):
        known = op.helper[0] in ("sip", "ftp", "tftp", "h323", "irc", "pptp")
        ready = op.helper[0] != "sip" or load_on_demand(CONNTRACK_SIP, call.files, kernel)
        if not (known and ready):
            return Problem(message=NO_SUCH, at=op.at, to=op.whole)
    return trial.apply(op)


def included(files: FileSystem, name: str) -> list[str]:
    """The files that ``include`` means: a pattern may mean none, a name must be there."""
    path = absolute(name, "/etc")
    if not re.search(r"[*?\[]", path):
        return [files.read(path)]
    directory = path.rpartition("/")[0]
    names = [each for each in files.below(directory) if fnmatch.fnmatchcase(each, path)]
    return [files.read(each) for each in names if not files.is_dir(each)]


def _end_of(text: str) -> Token:
    lines = text.split("\n")
    return Token(text="\n", line=1, start=len(lines[0]) + 1, end=len(lines[0]) + 1)


def _complain(call: Call, text: str, file: str, problems: list[Problem]) -> None:
    lines = text.split("\n")
    for problem in problems:
        at, to = problem.at, problem.to or problem.at
        line = lines[at.line - 1]
        if not line and at.line == len(lines) > 1:
            line = lines[-2]  # at the end of a file, its last line is shown
        end = max(to.end, at.start) if to.line == at.line else at.end
        place = f"{file}:{at.line}:{at.start}-{end}: " if file else ""
        blank = re.sub(r"[^\t]", " ", line[: at.start - 1].ljust(at.start - 1))
        call.err(f"{place}Error: {problem.message}\n{line}\n{blank}{'^' * (end - at.start + 1)}\n")


# Listings.


def _list(call: Call, kernel: Kernel, words: list[str], flags: set[str]) -> int:
    if call.process.user != "root":
        call.err(_NOT_ROOT)
        return 1
    listing = Listing(handles="a" in flags, stateless="s" in flags)
    rules = kernel.rules
    match words[1:]:
        case ["ruleset", *family] if not family or family[0] in FAMILIES:
            tables = [table for table in rules.tables.values() if not family or table.family == family[0]]
            if "j" in flags:
                return _json(call, rules, stateless="s" in flags)
            _warn(call, tables)
            call.out("".join(listing.table(table) for table in tables))
            return 0
        case ["tables", *family]:
            names = [f"table {kin} {name}\n" for kin, name in rules.tables if not family or kin == family[0]]
            call.out("".join(names))
            return 0
        case ["chains"]:
            for table in rules.tables.values():
                bare = "".join(
                    re.sub(r"(?m)^\t\t(?!type ).*\n", "", listing.chain(each))
                    for each in table.chains.values()
                )
                call.out(listing.part(table, bare))
            return 0
        case ["table" | "chain" | "ct", *_]:
            return _list_one(call, kernel, words, listing)
        case _:
            _complain(
                call,
                " ".join(words),
                "",
                [Problem(message="syntax error, unexpected newline", at=_end_of(" ".join(words)))],
            )
            return 1


def _list_one(call: Call, kernel: Kernel, words: list[str], listing: Listing) -> int:
    """``list table``, ``list chain``, ``list ct helper`` and ``list ct helpers table``."""
    kind, rest = words[1], words[2:]
    if kind == "ct":
        kind, rest = f"ct {rest[0] if rest else ''}", rest[1:]
        if kind == "ct helpers":
            if rest[:1] != ["table"]:
                text = " ".join(words)
                problem = Problem(
                    message="syntax error, unexpected newline, expecting table", at=_end_of(text)
                )
                _complain(call, text, "", [problem])
                return 1
            rest = rest[1:]
    family = rest.pop(0) if rest and rest[0] in FAMILIES else "ip"
    table = kernel.rules.tables.get((family, rest[0])) if rest else None
    name = rest[1] if len(rest) > 1 else ""
    found = table is not None and {
        "table": True,
        "ct helpers": True,
        "chain": name in table.chains,
        "ct helper": name in table.helpers,
    }.get(kind, False)
    if table is None or not found:
        text = " ".join(words)
        at = Token(text="", start=len(text) - len(words[-1]) + 1, end=len(text))
        _complain(call, text, "", [Problem(message="No such file or directory", at=at)])
        return 1
    match kind:
        case "table":
            _warn(call, [table])
            call.out(listing.table(table))
        case "chain":
            _warn(call, [table])
            call.out(listing.part(table, listing.chain(table.chains[name])))
        case "ct helper":
            call.out(listing.part(table, listing.one_helper(table, name)))
        case _:
            call.out(listing.part(table, listing.helpers(table)))
    return 0


def _json(call: Call, rules: Ruleset, *, stateless: bool) -> int:
    try:
        call.out(as_json(rules, stateless=stateless))
    except ValueError as why:
        call.err(f"Error: this twin has no JSON for: {why}\n")
        return 1
    return 0


def _warn(call: Call, tables: list[Table]) -> None:
    """nft warns of tables with rules that hold more than it knows itself, on standard error (recorded)."""
    for table in tables:
        saved = [rule.saved for chain in table.chains.values() for rule in chain.rules]
        if any(_COMPATIBLE.search(each) for each in saved):
            call.err(
                f"# Warning: table {table.family} {table.name} is managed by iptables-nft, do not touch!\n"
            )
