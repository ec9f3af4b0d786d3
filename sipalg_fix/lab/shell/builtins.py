"""
What a shell does itself, because it changes the shell, or because every shell does. (XCU 2.14.)
"""

from __future__ import annotations

import re

from sipalg_fix.lab.shell import grammar
from sipalg_fix.lab.shell.arguments import Usage, options, program
from sipalg_fix.lab.shell.conditions import test
from sipalg_fix.lab.shell.files import absolute
from sipalg_fix.lab.shell.process import Exit, Process, Run
from sipalg_fix.lab.shell.run import Broken, Call, Program
from sipalg_fix.lab.shell.syntax import ScriptError
from sipalg_fix.lab.shell.userland import Userland
from sipalg_fix.lab.shell.writing import echo, printf

_SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "KILL": 9,
    "USR1": 10,
    "USR2": 12,
    "TERM": 15,
    "CONT": 18,
    "STOP": 19,
}


def builtins(box: Userland) -> dict[str, Program]:
    """All of them, for the shells of one box."""
    found: dict[str, Program] = {
        ":": lambda call: 0,
        "true": lambda call: 0,
        "false": lambda call: 1,
        "cd": _cd,
        "pwd": lambda call: _say(call, call.process.directory),
        "echo": echo,
        "printf": printf,
        "test": test,
        "[": test,
        "export": _export,
        "unset": _unset,
        "set": _set,
        "shift": _shift,
        "read": _read,
        "exit": _exit,
        "return": _exit,
        "break": _break,
        "continue": _break,
        "eval": _eval,
        ".": _source,
        "exec": _exec,
        "command": lambda call: _command(call, box),
        "type": lambda call: _type(call, box),
        "trap": _trap,
        "umask": lambda call: 0 if call.arguments[1:] else _say(call, "0022"),
        "wait": lambda call: _wait(call, box),
        "kill": lambda call: _kill(call, box),
    }
    return {name: program(work) for name, work in found.items()}


def _say(call: Call, text: str) -> int:
    call.out(text + "\n")
    return 0


def _refuse(call: Call, message: str, status: int = 1) -> int:
    call.process.complain(call.process.dialect.variable, what=f"{call.arguments[0]}: {message}")
    return status


def _cd(call: Call) -> int:
    target = call.arguments[1] if len(call.arguments) > 1 else call.process.variables.get("HOME", "/")
    path = absolute(target, call.process.directory)
    if not call.files.is_dir(path):
        there = call.files.exists(path)
        bash = f"{target}: {'Not a directory' if there else 'No such file or directory'}"
        return _refuse(call, bash if call.process.dialect.name == "bash" else f"can't cd to {target}", 2)
    call.process.directory = path
    return 0


def _export(call: Call) -> int:
    for each in call.arguments[1:]:
        name, equals, value = each.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            return _refuse(call, f"{each}: bad variable name", 2)
        if equals:
            call.process.variables[name] = value
        call.process.exported.add(name)
    return 0


def _unset(call: Call) -> int:
    for name in call.arguments[1:]:
        call.process.variables.pop(name, None)
        call.process.exported.discard(name)
    return 0


def _set(call: Call) -> int:
    rest = call.arguments[1:]
    while rest:
        each = rest.pop(0)
        if each == "--":
            call.process.arguments = rest
            return 0
        if each in ("-o", "+o") and rest and rest[0] == "pipefail":
            letters = {rest.pop(0)}
        elif re.fullmatch(r"[-+][eu]+", each):
            letters = set(each[1:])
        elif each[0] not in "-+":
            call.process.arguments = [each, *rest]
            return 0
        else:
            return _refuse(call, f"Illegal option {each}", 2)
        if each[0] == "-":
            call.process.options |= letters
        else:
            call.process.options -= letters
    return 0


def _shift(call: Call) -> int:
    count = int(call.arguments[1]) if len(call.arguments) > 1 else 1
    if count > len(call.process.arguments):
        return _refuse(call, "can't shift that many", 2)
    del call.process.arguments[:count]
    return 0


def _read(call: Call) -> int:
    given = options(call.arguments, "r", status=2)
    line = call.process.source.line()
    ended = line.endswith("\n")
    text = line.removesuffix("\n")
    if "r" not in given.flags:
        while text.endswith("\\") and ended:
            line = call.process.source.line()
            text, ended = text[:-1] + line.removesuffix("\n"), line.endswith("\n")
        text = re.sub(r"\\(.)", r"\1", text)
    separators = call.process.variables.get("IFS", " \t\n")
    names = given.operands or ["REPLY"]
    gap = f"[{re.escape(separators)}]+" if separators else "(?!)"
    text = text.strip(separators)
    words = re.split(gap, text, maxsplit=len(names) - 1) if len(names) > 1 else [text]
    for number, name in enumerate(names):
        call.process.variables[name] = words[number] if number < len(words) else ""
    return 0 if ended else 1


def _exit(call: Call) -> int:
    given = call.arguments[1:2]
    if given and not given[0].isdigit():
        _refuse(call, f"Illegal number: {given[0]}", 2)
        raise Exit(2)
    raise Exit(int(given[0]) & 255 if given else call.process.status)


def _break(call: Call) -> int:
    depth = int(call.arguments[1]) if len(call.arguments) > 1 else 1
    raise Broken(depth, again=call.arguments[0] == "continue")


def _script(call: Call, text: str) -> Run[int]:
    try:
        script = grammar.parse(text)
    except ScriptError as why:
        call.process.complain(call.process.dialect.syntax, why=str(why))
        raise Exit(2) from None
    return (yield from call.shell.run(script, call.process)) if script.chains else 0


def _eval(call: Call) -> Run[int]:
    return _script(call, " ".join(call.arguments[1:]))


def _source(call: Call) -> Run[int]:
    if len(call.arguments) < 2:
        raise Usage("a file name is needed", 2)
    name = call.arguments[1]
    try:
        text = call.files.read(call.path(name), call.process.user)
    except OSError as why:
        _refuse(call, f"cannot open {name}: {why.strerror}", 2)
        raise Exit(2) from None
    return (yield from _script(call, text))


def _exec(call: Call) -> Run[int]:
    if len(call.arguments) > 1:
        raise Exit((yield from call.shell.program(call.arguments[1:], call.process.fork())))
    return 0


def _located(name: str, process: Process, box: Userland) -> str:
    return name if name in box.shell.builtins else box.locate(name, process)


def _command(call: Call, box: Userland) -> Run[int]:
    rest = call.arguments[1:]
    if rest[:1] == ["-v"]:
        found = [_located(name, call.process, box) for name in rest[1:]]
        call.out("".join(f"{each}\n" for each in found if each))
        return 0 if all(found) else call.process.dialect.missing_command
    if not rest:
        return 0
    if rest[0].startswith("-"):
        raise Usage(f"Illegal option {rest[0]}", 2)
    builtin = call.shell.builtins.get(rest[0])
    if builtin is not None:
        return (yield from call.shell.invoke(builtin, rest, call.process))
    return (yield from call.shell.program(rest, call.process.fork()))


def _type(call: Call, box: Userland) -> int:
    status = 0
    for name in call.arguments[1:]:
        found = _located(name, call.process, box)
        if not found:
            call.out(f"{name}: not found\n")
            status = 127
        else:
            call.out(f"{name} is {'a shell builtin' if found == name else found}\n")
    return status


def _trap(call: Call) -> int:
    # Ignoring signals is what a detached job does; there is nothing here that would send one.
    if len(call.arguments) > 2 and call.arguments[1] in ("", "-"):
        return 0
    raise Usage("only ignoring signals is supported", 2)


def _wait(call: Call, box: Userland) -> Run[int]:
    pids = [int(each) for each in call.arguments[1:] if each.isdigit()]
    mine = [job.pid for job in box.jobs.values() if job.work and job.process.pid == call.process.pid]
    status = 0
    for pid in pids or mine:
        job = box.jobs.get(pid)
        while job is not None and job.status is None and job.timer is not None:
            yield max(0.0, job.timer.due - box.chassis.now)
        if pids:
            status = box.finished.get(pid, 127)
    return status


def _kill(call: Call, box: Userland) -> int:
    rest = call.arguments[1:]
    signal = "TERM"
    if rest and rest[0] == "-s" and len(rest) > 1:
        signal, rest = rest[1], rest[2:]
    elif rest and rest[0].startswith("-") and rest[0] != "--":
        signal, rest = rest[0][1:], rest[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    number = int(signal) if signal.isdigit() else _SIGNALS.get(signal.upper().removeprefix("SIG"), -1)
    if number < 0 or not rest:
        raise Usage(f"Illegal option -{signal}" if number < 0 else "a process number is needed", 2)
    status = 0
    for each in rest:
        if not re.fullmatch(r"-?[0-9]+", each):
            status = _refuse(call, f"Illegal number: {each}", 2)
            continue
        status = _signalled(call, int(each), number, box) or status
    return status


def _signalled(call: Call, pid: int, signal: int, box: Userland) -> int:
    bash = call.process.dialect.name == "bash"
    job = box.jobs.get(abs(pid))
    if job is not None and call.process.user not in ("root", job.process.user):
        return _refuse(call, f"({pid}) - Operation not permitted" if bash else "Operation not permitted")
    if signal and pid == call.process.own_pid:
        raise Exit(128 + signal)
    try:
        box.kill(pid, signal)
    except KeyError:
        return _refuse(call, f"({pid}) - No such process" if bash else "No such process")
    return 0
