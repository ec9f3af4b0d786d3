"""The command ``uci``, in the words that OpenWrt's own printed (recorded)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from sipalg_fix.lab.shell.files import FileSystem
from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.openwrt.package import (
    INVALID,
    IO_ERROR,
    NOT_FOUND,
    Delta,
    Package,
    Section,
    UciError,
    parsed,
    quoted,
    read_delta,
)

CONFIG, STAGED = "/etc/config", "/tmp/.uci"
USAGE = """\
Usage: uci [<options>] <command> [<arguments>]

Commands:
\tbatch
\texport     [<config>]
\timport     [<config>]
\tchanges    [<config>]
\tcommit     [<config>]
\tadd        <config> <section-type>
\tadd_list   <config>.<section>.<option>=<string>
\tdel_list   <config>.<section>.<option>=<string>
\tshow       [<config>[.<section>[.<option>]]]
\tget        <config>.<section>[.<option>]
\tset        <config>.<section>[.<option>]=<value>
\tdelete     <config>[.<section>[[.<option>][=<id>]]]
\trename     <config>.<section>[.<option>]=<name>
\trevert     <config>[.<section>[.<option>]]
\treorder    <config>.<section>=<position>
"""


class Uci:
    """All packages of a box. Writes are refused while ``locked`` or ``refuse_writes`` is on."""

    def __init__(self, files: FileSystem, chassis: Chassis) -> None:
        self.files = files
        self.chassis = chassis

    def load(self, name: str, *, staged: bool = True) -> Package:
        """A package with what is staged for it; UciError if there is none, or it cannot be read."""
        path = f"{CONFIG}/{name}"
        if not re.fullmatch(r"[\w-]+", name) or not self.files.exists(path):
            raise UciError(NOT_FOUND)
        package = parsed(name, self.files.read(path))
        for delta in self.deltas(name) if staged else []:
            package.apply(delta)
        return package

    def deltas(self, name: str) -> list[Delta]:
        """What is staged."""
        path = f"{STAGED}/{name}"
        lines = self.files.read(path).splitlines() if self.files.exists(path) else []
        return [delta for delta in map(read_delta, lines) if delta is not None]

    def stage(self, name: str, deltas: list[Delta]) -> None:
        """Put these changes beside the ones that are staged."""
        self._keep(name, [*self.deltas(name), *deltas])

    def commit(self, name: str) -> None:
        """Store what is staged. On a full disk nothing is said, and the file is empty (recorded)."""
        package, deltas = self.load(name), self.deltas(name)
        if not deltas:
            return
        self._writable()
        try:
            self.files.write(f"{CONFIG}/{name}", package.written())
        except OSError as why:
            if why.errno != 28:
                raise UciError(IO_ERROR) from None
        self._keep(name, [])

    def revert(self, name: str, section: str = "", option: str = "") -> None:
        """Forget what is staged for a package, a section or an option."""
        left = [
            delta
            for delta in self.deltas(name)
            if (section and delta.section != section) or (option and delta.option != option)
        ]
        self._keep(name, left)

    def _writable(self) -> None:
        if self.chassis.switches.locked or self.chassis.switches.refuse_writes:
            raise UciError(IO_ERROR)

    def _keep(self, name: str, deltas: list[Delta]) -> None:
        if deltas == self.deltas(name):
            return
        self._writable()
        self.files.make_dirs(STAGED)
        self.files.write(f"{STAGED}/{name}", "".join(delta.line(name) + "\n" for delta in deltas))


def uci(call: Call, box: Uci) -> int:
    """The whole command."""
    rest = call.arguments[1:]
    quiet = False
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        if rest[0] not in ("-q", "-X", "-s", "-n"):
            call.err(f"uci: unrecognized option: {rest[0].lstrip('-')}\n{USAGE}")
            return 0
        quiet = quiet or rest[0] == "-q"
        rest.pop(0)
    verb, arguments = (rest[0].lower(), rest[1:]) if rest else ("", [])
    work = VERBS.get({"del": "delete"}.get(verb, verb))
    if work is None or len(arguments) > (2 if verb == "add" else 1):
        call.err(USAGE + "\n")
        return 255 if rest else 0
    try:
        work(call, box, arguments)
    except UciError as why:
        if not quiet:
            call.err(f"uci: {why}\n")
        return 1
    return 0


def _place(argument: str) -> tuple[str, str, str, str | None]:
    """(package, section, option, value) of a tuple; UciError for what is none."""
    match = re.fullmatch(r"([\w-]+)(?:\.(@[\w-]*\[-?\d+\]|\w+))?(?:\.(\w+))?(?:=(.*))?", argument, re.DOTALL)
    if match is None:
        raise UciError(INVALID)
    return match[1], match[2] or "", match[3] or "", match[4]


def _found(box: Uci, argument: str) -> tuple[Package, Section | None, str, str | None]:
    package, ref, option, value = _place(argument)
    loaded = box.load(package)
    return loaded, loaded.find(ref) if ref else None, option, value


def _get(call: Call, box: Uci, arguments: list[str]) -> None:
    _, section, option, _ = _found(box, arguments[0])
    if section is None or (option and option not in section.options):
        raise UciError(NOT_FOUND)
    if not option:
        call.out(f"{section.kind}\n")
        return
    value = section.options[option]
    call.out((" ".join(value) if isinstance(value, list) else value) + "\n")


def _show(call: Call, box: Uci, arguments: list[str]) -> None:
    names = arguments or [posixpath.basename(path) for path in box.files.names(CONFIG)]
    for argument in names:
        ref = _place(argument)[1]
        package, section, option, _ = _found(box, argument)
        if ref and (section is None or (option and option not in section.options)):
            raise UciError(NOT_FOUND)
        counted: dict[str, int] = {}
        for each in package.sections:
            place = counted[each.kind] = counted.get(each.kind, -1) + 1
            if section is not None and each is not section:
                continue
            named = f"@{each.kind}[{place}]" if each.anonymous and section is None else each.name
            if not option:
                call.out(f"{package.name}.{named}={each.kind}\n")
            for name, value in each.options.items():
                if option in ("", name):
                    shown = " ".join(map(quoted, value)) if isinstance(value, list) else quoted(value)
                    call.out(f"{package.name}.{named}.{name}={shown}\n")


def _set(call: Call, box: Uci, arguments: list[str]) -> None:
    package, section, option, value = _found(box, arguments[0])
    ref = _place(arguments[0])[1]
    if value is None or not ref or (section is None and (option or ref.startswith("@"))):
        raise UciError(INVALID)
    if section is not None and option and section.options.get(option) == value:
        return
    name = section.name if section is not None else ref
    gone = option and not value
    if gone and section is not None and option not in section.options:
        return
    delta = Delta(sign="-" if gone else "", section=name, option=option, value=None if gone else value)
    box.stage(package.name, [delta])


def _delete(call: Call, box: Uci, arguments: list[str]) -> None:
    package, section, option, _ = _found(box, arguments[0])
    if section is None or (option and option not in section.options):
        raise UciError(NOT_FOUND)
    box.stage(package.name, [Delta(sign="-", section=section.name, option=option)])


def _list(sign: str) -> Callable[[Call, Uci, list[str]], None]:
    def work(call: Call, box: Uci, arguments: list[str]) -> None:
        package, section, option, value = _found(box, arguments[0])
        if section is None or not option or value is None:
            raise UciError(INVALID)
        if sign == "~" and not isinstance(section.options.get(option), list):
            return
        box.stage(package.name, [Delta(sign=sign, section=section.name, option=option, value=value)])

    return work


def _add(call: Call, box: Uci, arguments: list[str]) -> None:
    if len(arguments) != 2:
        raise UciError(INVALID)
    package = box.load(arguments[0])
    section = package.add(arguments[1])
    box.stage(package.name, [Delta(sign="+", section=section.name, value=arguments[1])])
    call.out(f"{section.name}\n")


def _revert(call: Call, box: Uci, arguments: list[str]) -> None:
    package, section, option, _ = _found(box, arguments[0])
    ref = _place(arguments[0])[1]
    if ref and section is None:
        raise UciError(NOT_FOUND)
    box.revert(package.name, section.name if section else "", option)


def _packages(box: Uci, arguments: list[str]) -> list[str]:
    return [_place(arguments[0])[0]] if arguments else list(box.files.names(CONFIG))


def _changes(call: Call, box: Uci, arguments: list[str]) -> None:
    for name in _packages(box, arguments):
        box.load(name)
        call.out("".join(delta.shown(name) + "\n" for delta in box.deltas(name)))


def _commit(call: Call, box: Uci, arguments: list[str]) -> None:
    for name in _packages(box, arguments):
        box.commit(name)


def _export(call: Call, box: Uci, arguments: list[str]) -> None:
    for name in _packages(box, arguments):
        call.out(f"package {name}\n{box.load(name).written()}")


VERBS: dict[str, Callable[[Call, Uci, list[str]], None]] = {
    "get": _get,
    "show": _show,
    "set": _set,
    "delete": _delete,
    "add": _add,
    "add_list": _list("|"),
    "del_list": _list("~"),
    "revert": _revert,
    "changes": _changes,
    "commit": _commit,
    "export": _export,
}
