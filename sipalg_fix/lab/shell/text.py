"""Programs that read text and write text: cat, head, sort and their like."""

from __future__ import annotations

import base64
import hashlib
import re

from sipalg_fix.lab.shell.arguments import Options, Usage, options, program, reading
from sipalg_fix.lab.shell.patterns import PatternError, regular
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.writing import unescaped


def text_programs() -> dict[str, Program]:
    """By name."""
    found: dict[str, Program] = {
        "cat": _cat,
        "head": _head,
        "tail": _tail,
        "wc": _wc,
        "sort": _sort,
        "uniq": _uniq,
        "tr": _tr,
        "cut": _cut,
        "tee": _tee,
        "grep": grep,
        "egrep": grep,
        "fgrep": grep,
        "base64": _base64,
        "sha256sum": _digest,
        "md5sum": _digest,
        "seq": _seq,
        "basename": _basename,
        "dirname": _dirname,
    }
    return {name: program(work) for name, work in found.items()}


def lines(text: str) -> list[str]:
    """The lines of a text, each with its newline; the last may lack it."""
    return (
        text.splitlines(keepends=True)
        if not re.search(r"[\v\f\x1c-\x1e\x85\u2028\u2029\r]", text)
        else [each for each in re.split(r"(?<=\n)", text) if each]
    )


def _read(call: Call, given: Options) -> tuple[list[tuple[str, str]], int]:
    found = reading(call, given.operands)
    return found, int(len(found) < len(given.operands or ["-"]))


def _cat(call: Call) -> int:
    given = options(call.arguments, "un")
    found, status = _read(call, given)
    text = "".join(each for _, each in found)
    if "n" in given.flags:
        text = "".join(f"{number:6}\t{line}" for number, line in enumerate(lines(text), 1))
    call.out(text)
    return status


def _count(call: Call, given: Options) -> tuple[str, int]:
    """The sign before a count, if any, and the count; ``-5`` is short for ``-n 5``."""
    value = given.value("n", "10")
    found = re.fullmatch(r"([-+]?)([0-9]+)", value)
    if found is None:
        raise Usage(f"invalid number of lines: '{value}'")
    return found.group(1), int(found.group(2))


def _short(arguments: list[str]) -> list[str]:
    """``-5`` as ``-n5``, where it is not the value of another option."""
    before = ["", *arguments]
    return [
        re.sub(r"^-([0-9]+)$", r"-n\1", each) if earlier not in ("-n", "-c") else each
        for earlier, each in zip(before, arguments, strict=False)
    ]


def _ends(call: Call, *, head: bool) -> int:
    given = options(_short(call.arguments), "q", "nc")
    found, status = _read(call, given)
    for number, (name, text) in enumerate(found):
        if len(found) > 1 and "q" not in given.flags:
            call.out(("\n" if number else "") + f"==> {'standard input' if name == '-' else name} <==\n")
        if given.all("c"):
            size = int(given.value("c"))
            call.out(text[:size] if head else text[-size:] if size else "")
            continue
        sign, count = _count(call, given)
        every = lines(text)
        if head:
            kept = every[: max(len(every) - count, 0)] if sign == "-" else every[:count]
        else:
            kept = every[count - 1 :] if sign == "+" and count else every[max(len(every) - count, 0) :]
        call.out("".join(kept))
    return status


def _head(call: Call) -> int:
    return _ends(call, head=True)


def _tail(call: Call) -> int:
    return _ends(call, head=False)


def _wc(call: Call) -> int:
    given = options(call.arguments, "lwc")
    found, status = _read(call, given)
    shown = [each for each in "lwc" if not given.flags or each in given.flags]
    counts = [{"l": text.count("\n"), "w": len(text.split()), "c": len(_bytes(text))} for _, text in found]
    names = [name if given.operands else "" for name, _ in found]
    if len(found) > 1:
        names.append("total")
        counts.append({each: sum(count[each] for count in counts) for each in "lwc"})
    widest = max((len(str(count[each])) for count in counts for each in "lwc"), default=1)
    width = (
        7 if not given.operands and len(shown) > 1 else 1 if len(shown) == 1 and len(found) == 1 else widest
    )
    for name, count in zip(names, counts, strict=True):
        call.out(f"{' '.join(f'{count[each]:{width}}' for each in shown)} {name}".rstrip() + "\n")
    return status


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _sort(call: Call) -> int:
    given = options(call.arguments, "nru", "kt")
    found, status = _read(call, given)
    every = [line.removesuffix("\n") for _, text in found for line in lines(text)]
    field = given.value("k")
    if field and not re.fullmatch(r"[0-9]+(,[0-9]+)?", field):
        raise Usage(f"the key -k {field} is not supported", 2)
    first, _, last = field.partition(",")

    def part(line: str) -> str:
        if not field:
            return line
        words = line.split(given.value("t") or None)
        return " ".join(words[int(first) - 1 : int(last) if last else None])

    def key(line: str) -> tuple[float, bytes]:
        number = re.match(r"\s*(-?[0-9]+(?:\.[0-9]+)?)", part(line))
        value = float(number.group(1)) if number and "n" in given.flags else 0.0
        return value, b"" if "n" in given.flags else _bytes(part(line))

    def whole(line: str) -> tuple[tuple[float, bytes], bytes]:
        return key(line), _bytes(line)

    if "u" in given.flags:
        every = list({key(line): line for line in reversed(every)}.values())
    every.sort(key=whole, reverse="r" in given.flags)
    call.out("".join(line + "\n" for line in every))
    return status


def _uniq(call: Call) -> int:
    given = options(call.arguments, "cdu")
    found, status = _read(call, given)
    groups: list[tuple[str, int]] = []
    for line in lines("".join(text for _, text in found)):
        bare = line.removesuffix("\n")
        if groups and groups[-1][0] == bare:
            groups[-1] = (bare, groups[-1][1] + 1)
        else:
            groups.append((bare, 1))
    for bare, count in groups:
        if ("d" in given.flags and count < 2) or ("u" in given.flags and count > 1):
            continue
        call.out((f"{count:7} " if "c" in given.flags else "") + bare + "\n")
    return status


_SETS = {
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digit": "0123456789",
    "space": " \t\n\v\f\r",
    "blank": " \t",
}
_SETS["alpha"] = _SETS["upper"] + _SETS["lower"]
_SETS["alnum"] = _SETS["digit"] + _SETS["alpha"]


def _characters(text: str) -> str:
    text = unescaped(text)
    text = re.sub(r"\[:([a-z]+):\]", lambda found: _SETS.get(found.group(1), found.group()), text)
    return re.sub(
        r"(.)-(.)",
        lambda found: "".join(map(chr, range(ord(found.group(1)), ord(found.group(2)) + 1))),
        text,
        flags=re.S,
    )


def _tr(call: Call) -> int:
    given = options(call.arguments, "dsc")
    if not given.operands or (len(given.operands) < 2 and not given.flags & {"d", "s"}):
        raise Usage("missing operand")
    text = call.process.source.read()
    first = _characters(given.operands[0])
    second = _characters(given.operands[1]) if len(given.operands) > 1 else ""
    complement = "c" in given.flags
    if "d" in given.flags:
        text = "".join(each for each in text if (each in first) == complement)
    elif second:
        wide = second + second[-1] * max(len(first) - len(second), 0)
        table = dict(zip(first, wide, strict=False))
        text = "".join(
            (second[-1] if each not in first else each) if complement else table.get(each, each)
            for each in text
        )
    if "s" in given.flags:
        squeezed = second or first
        doubled = f"([^{re.escape(squeezed)}])" if complement and not second else f"([{re.escape(squeezed)}])"
        text = re.sub(doubled + r"\1+", r"\1", text)
    call.out(text)
    return 0


def _cut(call: Call) -> int:
    given = options(call.arguments, "s", "dfc")
    wanted = given.value("f") or given.value("c")
    if not re.fullmatch(r"(?:[0-9]+(?:-[0-9]*)?|-[0-9]+)(?:,(?:[0-9]+(?:-[0-9]*)?|-[0-9]+))*", wanted):
        raise Usage("you must specify a list of bytes, characters, or fields")
    found, status = _read(call, given)
    delimiter = given.value("d", "\t")
    for line in lines("".join(text for _, text in found)):
        bare = line.removesuffix("\n")
        if given.value("c"):
            call.out("".join(_picked(list(bare), wanted)) + "\n")
        elif delimiter in bare:
            call.out(delimiter.join(_picked(bare.split(delimiter), wanted)) + "\n")
        elif "s" not in given.flags:
            call.out(bare + "\n")
    return status


def _picked(items: list[str], wanted: str) -> list[str]:
    chosen: set[int] = set()
    for each in wanted.split(","):
        first, dash, last = each.partition("-")
        start = int(first or 1)
        stop = int(last or len(items)) if dash else start
        chosen |= set(range(start, stop + 1))
    return [item for number, item in enumerate(items, 1) if number in chosen]


def _tee(call: Call) -> int:
    given = options(call.arguments, "a")
    text = call.process.source.read()
    status = 0
    call.out(text)
    for name in given.operands:
        try:
            call.files.write(call.path(name), text, call.process.user, append="a" in given.flags)
        except OSError as why:
            status = call.fail(f"{name}: {why.strerror}")
    return status


def grep(call: Call) -> int:
    """Status 0 if a line was found, 1 if none, 2 for an error."""
    name = call.arguments[0].rpartition("/")[2]
    given = options(call.arguments, "EFGqcvnoihHwxslrR", "em", status=2)
    patterns = given.all("e") or given.operands[:1]
    names = given.operands if given.all("e") else given.operands[1:]
    if not patterns:
        raise Usage("a pattern is needed", 2)
    try:
        compiled = [_grep_pattern(each, given.flags, name) for text in patterns for each in text.split("\n")]
    except PatternError as why:
        return call.fail(str(why), 2)
    many = len(names) > 1 or bool(given.flags & {"H", "r", "R"})
    found, missed = _searched(call, names, given.flags)
    many, hits, most = many and "h" not in given.flags, 0, int(given.value("m", "-1"))
    for file, text in found:
        prefix = f"{file if file != '-' else '(standard input)'}:" if many else ""
        count = 0
        for number, line in enumerate(lines(text), 1):
            if count == most:
                break
            bare = line.removesuffix("\n")
            matched = [match for each in compiled for match in each.finditer(bare)]
            if bool(matched) == ("v" in given.flags):
                continue
            count += 1
            if not given.flags & {"q", "c", "l"}:
                shown = (
                    [match.group() for match in matched if match.group()] if "o" in given.flags else [bare]
                )
                place = prefix + (f"{number}:" if "n" in given.flags else "")
                call.out("".join(f"{place}{each}\n" for each in shown))
        if "c" in given.flags and "q" not in given.flags:
            call.out(f"{prefix}{count}\n")
        if "l" in given.flags and count and "q" not in given.flags:
            call.out(f"{file}\n")
        hits += count
    if missed and not ("q" in given.flags and hits):
        return 2
    return 0 if hits else 1


def _searched(call: Call, names: list[str], flags: set[str]) -> tuple[list[tuple[str, str]], bool]:
    """What is searched, and whether anything could not be: ``-r`` goes into directories, ``-s`` is silent."""
    wanted: list[str] = []
    missed = False
    for name in names or (["."] if flags & {"r", "R"} else ["-"]):
        path = call.path(name)
        if name == "-" or not call.files.is_dir(path):
            wanted.append(name)
        elif flags & {"r", "R"}:
            inside = [each for each in call.files.below(path) if not call.files.is_dir(each)]
            wanted += [name.rstrip("/") + each[len(path.rstrip("/")) :] for each in inside]
        else:
            missed = True
            if "s" not in flags:
                call.err(f"grep: {name}: Is a directory\n")
    if "s" in flags:
        there = [name for name in wanted if name == "-" or call.files.exists(call.path(name))]
        missed, wanted = missed or len(there) < len(wanted), there
    found = reading(call, wanted) if wanted else []
    return found, missed or len(found) < len(wanted)


def _grep_pattern(text: str, flags: set[str], name: str) -> re.Pattern[str]:
    if "F" in flags or name == "fgrep":
        found = re.compile(re.escape(text), re.I if "i" in flags else 0)
    else:
        found = regular(text, extended="E" in flags or name == "egrep", ignore_case="i" in flags)
    if "x" in flags:
        return re.compile(rf"\A(?:{found.pattern})\Z", found.flags)
    if "w" in flags:
        return re.compile(rf"(?<!\w)(?:{found.pattern})(?!\w)", found.flags)
    return found


def _base64(call: Call) -> int:
    given = options(call.arguments, "d", "w", ("decode", "wrap="))
    found, status = _read(call, given)
    text = "".join(each for _, each in found)
    if given.flags & {"d", "decode"}:
        try:
            call.out(
                base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "surrogateescape")
            )
        except ValueError:
            return call.fail("invalid input")
        return status
    coded = base64.b64encode(_bytes(text)).decode()
    width = int(given.value("w") or given.value("wrap") or "76")
    rows = [coded[at : at + width] for at in range(0, len(coded), width)] if width else [coded]
    call.out("\n".join(rows) + ("\n" if width and coded else ""))
    return status


def _digest(call: Call) -> int:
    given = options(call.arguments, "b")
    found, status = _read(call, given)
    kind = hashlib.sha256 if call.arguments[0].endswith("sha256sum") else hashlib.md5
    for name, text in found:
        call.out(f"{kind(_bytes(text)).hexdigest()}  {name}\n")
    return status


def _seq(call: Call) -> int:
    numbers = [int(each) for each in call.arguments[1:]]
    first, step, last = {1: (1, 1, *numbers), 2: (numbers[0], 1, numbers[-1])}.get(len(numbers), (*numbers,))
    call.out("".join(f"{each}\n" for each in range(first, last + 1, step)))
    return 0


def _basename(call: Call) -> int:
    given = options(call.arguments)
    name = given.operands[0].rstrip("/").rpartition("/")[2] or "/"
    suffix = given.operands[1] if len(given.operands) > 1 else ""
    call.out((name.removesuffix(suffix) if name != suffix else name) + "\n")
    return 0


def _dirname(call: Call) -> int:
    head, slash, _ = options(call.arguments).operands[0].rstrip("/").rpartition("/")
    call.out((head or slash or ".") + "\n")
    return 0
