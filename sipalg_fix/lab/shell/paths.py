"""Programs that work on files as a whole: rm, mv, cp, ls and their like, in the words of GNU coreutils."""

from __future__ import annotations

import errno
import posixpath
import stat
import time

from sipalg_fix.lab.shell.arguments import Options, Usage, options, program
from sipalg_fix.lab.shell.conditions import test
from sipalg_fix.lab.shell.files import absolute, fault
from sipalg_fix.lab.shell.run import Call, Program


def path_programs() -> dict[str, Program]:
    """By name."""
    found: dict[str, Program] = {
        "rm": _rm,
        "rmdir": _rmdir,
        "mv": _mv,
        "cp": _cp,
        "mkdir": _mkdir,
        "touch": _touch,
        "ls": _ls,
        "chmod": _chmod,
        "chown": _chown,
        "mktemp": _mktemp,
        "cmp": _cmp,
        "readlink": _readlink,
        "realpath": _readlink,
        "sync": lambda call: 0,
        "test": test,
        "[": test,
    }
    return {name: program(work) for name, work in found.items()}


def _operands(call: Call, given: Options, least: int = 1) -> list[str]:
    if len(given.operands) < least:
        if given.operands:
            raise Usage(f"missing destination file operand after '{given.operands[0]}'")
        raise Usage("missing operand")
    return given.operands


def _rm(call: Call) -> int:
    given = options(call.arguments, "rRfiv")
    status = 0
    recursive = bool(given.flags & {"r", "R"})
    if not given.operands and "f" in given.flags:
        return 0
    for name in _operands(call, given):
        path = call.path(name)
        if not call.files.exists(path):
            if "f" not in given.flags:
                status = call.fail(f"cannot remove '{name}': No such file or directory")
            continue
        if call.files.is_dir(path) and not recursive:
            status = call.fail(f"cannot remove '{name}': Is a directory")
            continue
        try:
            for each in reversed(list(call.files.below(path))):
                call.files.remove(each, call.process.user)
        except OSError as why:
            status = call.fail(f"cannot remove '{name}': {why.strerror}")
    return status


def _rmdir(call: Call) -> int:
    status = 0
    for name in _operands(call, options(call.arguments)):
        try:
            if not call.files.is_dir(call.path(name)):
                raise fault(errno.ENOTDIR if call.files.exists(call.path(name)) else errno.ENOENT, name)
            call.files.remove(call.path(name), call.process.user)
        except OSError as why:
            status = call.fail(f"failed to remove '{name}': {why.strerror}")
    return status


def _target(call: Call, name: str, target: str) -> str:
    """Where a file goes: into a directory under its own name, or to the name that was given."""
    path = call.path(target)
    return posixpath.join(path, posixpath.basename(name.rstrip("/"))) if call.files.is_dir(path) else path


def _mv(call: Call) -> int:
    given = options(call.arguments, "fnvT")
    *names, target = _operands(call, given, 2)
    status = 0
    for name in names:
        goal = _target(call, name, target)
        if not call.files.exists(call.path(name)):
            status = call.fail(f"cannot stat '{name}': No such file or directory")
            continue
        if goal == call.path(name):
            status = call.fail(f"'{name}' and '{name}' are the same file")
            continue
        if "n" in given.flags and call.files.exists(goal):
            continue
        try:
            call.files.rename(call.path(name), goal, call.process.user)
        except OSError as why:
            status = call.fail(f"cannot move '{name}' to '{target}': {why.strerror}")
    return status


def _cp(call: Call) -> int:
    given = options(call.arguments, "pfarRvT")
    *names, target = _operands(call, given, 2)
    status = 0
    for name in names:
        path, goal = call.path(name), _target(call, name, target)
        if not call.files.exists(path):
            status = call.fail(f"cannot stat '{name}': No such file or directory")
        elif not call.files.is_dir(path):
            status = _copy(call, given, (path, name), goal) or status
        elif not given.flags & {"r", "R", "a"}:
            status = call.fail(f"-r not specified; omitting directory '{name}'")
        else:
            for each in list(call.files.below(path)):
                there = goal + each[len(path) :]
                if not call.files.is_dir(each):
                    status = _copy(call, given, (each, each), there) or status
                elif not call.files.is_dir(there):
                    call.files.make_dir(there, call.process.user, call.files.mode(each))
    return status


def _copy(call: Call, given: Options, source: tuple[str, str], goal: str) -> int:
    path, name = source
    user = call.process.user
    try:
        text = call.files.read(path, user)
    except OSError as why:
        return call.fail(f"cannot open '{name}' for reading: {why.strerror}")
    if path == goal:
        return call.fail(f"'{name}' and '{name}' are the same file")
    new = not call.files.exists(goal)
    try:
        call.files.write(goal, "", user)
    except OSError as why:
        return call.fail(f"cannot create regular file '{goal}': {why.strerror}")
    try:
        call.files.write(goal, text, user)
        if (new or given.flags & {"p", "a"}) and goal in call.files.nodes:
            call.files.set_mode(goal, call.files.mode(path), user)
    except OSError as why:
        return call.fail(f"error writing '{goal}': {why.strerror}")
    return 0


def _mkdir(call: Call) -> int:
    given = options(call.arguments, "pv", "m")
    status = 0
    mode = int(given.value("m", "755"), 8)
    for name in _operands(call, given):
        path = call.path(name)
        wanted = [path]
        if "p" in given.flags:
            while not call.files.exists(posixpath.dirname(wanted[0])):
                wanted.insert(0, posixpath.dirname(wanted[0]))
            wanted = [each for each in wanted if not call.files.is_dir(each)]
        for each in wanted:
            try:
                call.files.make_dir(each, call.process.user, mode if each == path else 0o755)
            except OSError as why:
                status = call.fail(f"cannot create directory '{name}': {why.strerror}")
                break
    return status


def _touch(call: Call) -> int:
    given = options(call.arguments, "c")
    status = 0
    for name in _operands(call, given):
        try:
            if not call.files.exists(call.path(name)) and "c" in given.flags:
                continue
            if not call.files.is_dir(call.path(name)):
                call.files.write(call.path(name), "", call.process.user, append=True)
        except OSError as why:
            status = call.fail(f"cannot touch '{name}': {why.strerror}")
    return status


def _ls(call: Call) -> int:
    given = options(call.arguments, "1aAldt", status=2)
    status = 0
    files: list[tuple[str, str]] = []
    directories: list[tuple[str, str]] = []
    for name in sorted(given.operands or ["."]):
        path = call.path(name)
        if not call.files.exists(path):
            status = call.fail(f"cannot access '{name}': No such file or directory", 2)
        elif call.files.is_dir(path) and "d" not in given.flags:
            directories.append((name, path))
        else:
            files.append((name, path))
    _listed(call, given, files)
    for number, (name, path) in enumerate(directories):
        if len(given.operands) > 1:
            call.out(("\n" if number or files else "") + f"{name}:\n")
        hidden = given.flags & {"a", "A"}
        names = [each for each in call.files.names(path) if hidden or not each.startswith(".")]
        _listed(call, given, [(each, absolute(each, path)) for each in names])
    return status


def _listed(call: Call, given: Options, entries: list[tuple[str, str]]) -> None:
    for name, path in entries:
        if "l" not in given.flags:
            call.out(name + "\n")
            continue
        node = call.files.nodes.get(path)
        kind = stat.S_IFDIR if call.files.is_dir(path) else stat.S_IFREG
        owner = node.owner if node is not None else "root"
        size = 4096 if kind == stat.S_IFDIR else len(call.files.read(path).encode("utf-8", "surrogateescape"))
        changed = time.strftime("%b %e %H:%M", time.gmtime(node.changed if node is not None else 0))
        mode = stat.filemode(kind | call.files.mode(path))
        call.out(f"{mode} 1 {owner} {owner} {size} {changed} {name}\n")


def _chmod(call: Call) -> int:
    rest = call.arguments[1:]
    if len(rest) < 2:
        raise Usage("missing operand")
    status = 0
    for name in rest[1:]:
        try:
            mode = _mode(rest[0], call.files.mode(call.path(name)))
            call.files.set_mode(call.path(name), mode, call.process.user)
        except OSError as why:
            verb = "cannot access" if why.errno == errno.ENOENT else "changing permissions of"
            status = call.fail(f"{verb} '{name}': {why.strerror}")
    return status


def _mode(text: str, before: int) -> int:
    if text.isdigit():
        return int(text, 8)
    for clause in text.split(","):
        who, sign, what = clause.partition("+")
        if not sign:
            who, sign, what = clause.partition("-")
        if not sign or not set(who) <= set("ugoa") or not set(what) <= set("rwx"):
            raise Usage(f"invalid mode: '{text}'")
        bits = sum({"r": 4, "w": 2, "x": 1}[each] for each in what)
        places = {"u": 6, "g": 3, "o": 0}
        everybody = "ugo" if not who or "a" in who else who
        mask = sum(bits << places[each] for each in everybody)
        before = before | mask if sign == "+" else before & ~mask
    return before


def _chown(call: Call) -> int:
    given = options(call.arguments, "R")
    owner, *names = _operands(call, given, 2)
    for name in names:
        node = call.files.nodes.get(call.path(name))
        if node is None:
            return call.fail(f"cannot access '{name}': No such file or directory")
        if call.process.user != "root":
            return call.fail(f"changing ownership of '{name}': Operation not permitted")
        node.owner = owner.partition(":")[0]
        call.files.wrote()
    return 0


def _mktemp(call: Call) -> int:
    given = options(call.arguments, "dt", "p")
    template = given.operands[0] if given.operands else "tmp.XXXXXXXXXX"
    if not template.endswith("XXX"):
        raise Usage(f"too few X's in template '{template}'")
    stem = template.rstrip("X")
    directory = given.value("p") or ("/tmp" if not given.operands or "t" in given.flags else "")
    for number in range(1_000_000):
        name = posixpath.join(directory, stem + f"{number:0{len(template) - len(stem)}d}")
        if not call.files.exists(call.path(name)):
            break
    try:
        if "d" in given.flags:
            call.files.make_dir(call.path(name), call.process.user, 0o700)
        else:
            call.files.write(call.path(name), "", call.process.user)
            call.files.set_mode(call.path(name), 0o600, call.process.user)
    except OSError as why:
        kind = "directory" if "d" in given.flags else "file"
        return call.fail(f"failed to create {kind} via template '{directory}/{template}': {why.strerror}")
    call.out(name + "\n")
    return 0


def _cmp(call: Call) -> int:
    given = options(call.arguments, "s", status=2)
    texts = []
    for name in _operands(call, given, 2)[:2]:
        try:
            texts.append(call.process.source.read() if name == "-" else call.files.read(call.path(name)))
        except OSError as why:
            return 2 if "s" in given.flags else call.fail(f"{name}: {why.strerror}", 2)
    if texts[0] == texts[1]:
        return 0
    if "s" not in given.flags:
        call.out(f"{given.operands[0]} {given.operands[1]} differ\n")
    return 1


def _readlink(call: Call) -> int:
    given = options(call.arguments, "fem")
    for name in _operands(call, given):
        call.out(call.path(name) + "\n")
    return 0
