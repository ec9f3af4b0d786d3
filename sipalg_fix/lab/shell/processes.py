"""Programs about processes, users and time: sh, sleep, nohup, ps, id, date and their like."""

from __future__ import annotations

import re
import time

from sipalg_fix.lab.shell.arguments import Usage, options, program
from sipalg_fix.lab.shell.process import DASH, Run
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.userland import Job, Userland

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def process_programs(box: Userland, user_ids: dict[str, int]) -> dict[str, Program]:
    """By name, for the processes of one box; ``user_ids`` are its accounts."""
    found: dict[str, Program] = {
        "true": lambda call: 0,
        "false": lambda call: 1,
        "sleep": _sleep,
        "sh": lambda call: _sh(call, box),
        "nohup": _become,
        "setsid": lambda call: _setsid(call, box),
        "env": _env,
        "timeout": lambda call: _timeout(call, box),
        "xargs": _xargs,
        "ps": lambda call: _ps(call, box),
        "pgrep": lambda call: _pgrep(call, box),
        "pkill": lambda call: _pgrep(call, box),
        "id": lambda call: _id(call, user_ids),
        "whoami": lambda call: _say(call, call.process.user),
        "date": lambda call: _date(call, box),
        "which": lambda call: _which(call, box),
        "hostname": lambda call: _say(call, box.chassis.name),
    }
    return {name: program(work) for name, work in found.items()}


def _say(call: Call, text: str) -> int:
    call.out(text + "\n")
    return 0


def seconds(text: str) -> float:
    """``90``, ``1.5m``, ``2h``."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", text)
    if found is None:
        raise Usage(f"invalid time interval '{text}'")
    return float(found.group(1)) * _UNITS[found.group(2)]


def _sleep(call: Call) -> Run[int]:
    if len(call.arguments) < 2:
        raise Usage("missing operand")
    status = yield sum(seconds(each) for each in call.arguments[1:])
    return status or 0


def _sh(call: Call, box: Userland) -> Run[int]:
    process = call.process
    rest = call.arguments[1:]
    while rest and re.fullmatch(r"-[eu]+", rest[0]):
        process.options |= set(rest.pop(0)[1:])
    process.name = call.arguments[0].rpartition("/")[2]
    process.dialect = DASH if process.name == "sh" and process.dialect.name == "bash" else process.dialect
    text = _script_of(call, rest)
    if text is None:
        return 2
    if process.lone:
        process.pid = process.own_pid
        return (yield from box.script(text, process))
    process.pid = process.own_pid = box.new_pid()
    process.command = tuple(call.arguments)
    box.enter(process)
    try:
        return (yield from box.script(text, process))
    finally:
        box.leave(process.own_pid)


def _script_of(call: Call, rest: list[str]) -> str | None:
    """The script that a shell was given: after -c, on standard input, in a file. None after an error."""
    process = call.process
    if rest and re.fullmatch(r"-[eu]*c", rest[0]):
        process.options |= set(rest[0][1:-1])
        if len(rest) < 2:
            process.complain("{name}: 0: -c requires an argument")
            return None
        process.name, process.arguments = (rest[2], rest[3:]) if len(rest) > 2 else (process.name, [])
        return rest[1]
    if not rest or rest[0] == "-s":
        process.arguments = rest[1:]
        return process.source.read()
    if rest[0].startswith("-"):
        process.complain("{name}: 0: Illegal option {what}", what=rest[0])
        return None
    try:
        text = call.files.read(call.path(rest[0]), process.user)
    except OSError as why:
        process.complain("{name}: 0: cannot open {what}: {why}", what=rest[0], why=str(why.strerror))
        return None
    process.name, process.arguments = rest[0], rest[1:]
    return text


def _become(call: Call) -> Run[int]:
    if len(call.arguments) < 2:
        raise Usage("missing operand", 125)
    return (yield from call.shell.program(call.arguments[1:], call.process))


def _setsid(call: Call, box: Userland) -> Run[int]:
    given = call.arguments[1:]
    while given and given[0] in ("-w", "--wait", "-f", "--fork"):
        if given.pop(0) in ("-f", "--fork"):
            raise Usage("--fork is not supported")
    job = box.jobs.get(call.process.own_pid)
    if job is not None and job.work is not None:
        job.leader = True
    return (yield from call.shell.program(given, call.process))


def _env(call: Call) -> Run[int]:
    rest = call.arguments[1:]
    while rest and "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        call.process.variables[name] = value
        call.process.exported.add(name)
    if rest:
        return (yield from call.shell.program(rest, call.process))
    call.out("".join(f"{name}={value}\n" for name, value in call.process.environment.items()))
    return 0


def _timeout(call: Call, box: Userland) -> Run[int]:
    rest = call.arguments[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in ("-k", "-s") else 1 :]
    if len(rest) < 2:
        raise Usage("missing operand", 125)
    left = seconds(rest[0])
    work = call.shell.program(rest[1:], call.process)
    answer: int | None = None
    while True:
        try:
            wanted = work.send(answer)
        except StopIteration as end:
            return int(end.value)
        answer = yield min(wanted, left)
        left -= wanted
        if left < 0:
            work.close()
            return 124


def _xargs(call: Call) -> Run[int]:
    given = options(["xargs", *_own(call.arguments[1:])], "rt0", "nI")
    command = call.arguments[1 + len(_own(call.arguments[1:])) :] or ["echo"]
    text = call.process.source.read()
    words = text.split("\0")[:-1] if "0" in given.flags else text.split()
    if given.value("I"):
        rows = [[each.replace(given.value("I"), line) for each in command] for line in text.splitlines()]
    else:
        size = int(given.value("n") or max(len(words), 1))
        rows = [command + words[at : at + size] for at in range(0, len(words), size)]
        rows = rows or ([] if "r" in given.flags else [command])
    worst = 0
    for row in rows:
        builtin = call.shell.builtins.get(row[0]) if row[0] in ("echo", "printf", "test", "kill") else None
        if builtin is not None:
            status = yield from call.shell.invoke(builtin, row, call.process)
        else:
            status = yield from call.shell.program(row, call.process.fork())
        worst = worst or (123 if 0 < status < 126 else status)
    return worst


def _own(arguments: list[str]) -> list[str]:
    """The options of xargs itself, before the command."""
    count = 0
    while count < len(arguments) and arguments[count].startswith("-"):
        count += 2 if arguments[count] in ("-n", "-I") else 1
    return arguments[:count]


def _ps(call: Call, box: Userland) -> int:
    call.out(f"{'PID':>7} TTY          TIME CMD\n")
    for job in sorted(box.jobs.values(), key=lambda each: each.pid):
        call.out(f"{job.pid:7} ?        00:00:00 {job.command}\n")
    return 0


def _pgrep(call: Call, box: Userland) -> int:
    kill = call.arguments[0].endswith("pkill")
    arguments = [each for each in call.arguments if not (kill and re.fullmatch(r"-(?:[0-9]+|[A-Z]+)", each))]
    given = options(arguments, "fxlanoc", "u", status=2)
    if len(given.operands) != 1:
        raise Usage("only one pattern can be provided", 2)
    pattern = re.compile(given.operands[0])

    def subject(job: Job) -> str:
        return job.command if "f" in given.flags else job.command.partition(" ")[0].rpartition("/")[2]

    matcher = pattern.fullmatch if "x" in given.flags else pattern.search
    others = [job for job in box.jobs.values() if not (call.process.lone and job.pid == call.process.own_pid)]
    found = [job for job in sorted(others, key=lambda each: each.pid) if matcher(subject(job))]
    for job in found:
        if kill:
            box.kill(job.pid, 15)
        else:
            call.out(f"{job.pid} {job.command}\n" if given.flags & {"l", "a"} else f"{job.pid}\n")
    return 0 if found else 1


def _id(call: Call, user_ids: dict[str, int]) -> int:
    given = options(call.arguments, "ung")
    name = given.operands[0] if given.operands else call.process.user
    if name not in user_ids:
        return call.fail(f"'{name}': no such user")
    number = user_ids[name]
    if given.flags & {"u", "g"}:
        return _say(call, name if "n" in given.flags else str(number))
    return _say(call, f"uid={number}({name}) gid={number}({name}) groups={number}({name})")


def _date(call: Call, box: Userland) -> int:
    given = options(call.arguments, "u", "d")
    now = box.chassis.now
    wanted = given.value("d")
    if wanted:
        if not re.fullmatch(r"@[0-9]+", wanted):
            raise Usage(f"the date '{wanted}' is not supported")
        now = float(wanted[1:])
    form = given.operands[0] if given.operands else "+%a %b %e %H:%M:%S UTC %Y"
    if not form.startswith("+"):
        return call.fail("cannot set date: Operation not permitted")
    return _say(call, time.strftime(form[1:].replace("%s", str(int(now))), time.gmtime(now)))


def _which(call: Call, box: Userland) -> int:
    found = [box.locate(name, call.process) for name in call.arguments[1:]]
    call.out("".join(each + "\n" for each in found if each))
    return int(not all(found))
