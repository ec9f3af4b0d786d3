"""
The Linux commands that people and programs run on the router, with coreutils', kmod's and conntrack's words.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sipalg_fix.lab.twins.edgeos import filters, operational, tracking, wrappers
from sipalg_fix.lab.twins.edgeos.kernel import CONNTRACK_SIP, STREAM_TIMEOUT
from sipalg_fix.lab.twins.edgeos.router import BOOT_FILE, CONFIRM_JOB, EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Result
from sipalg_fix.lab.twins.edgeos.tree import find

if TYPE_CHECKING:
    from sipalg_fix.lab.twins.edgeos.environment import Environment

Command = Callable[["Environment", Sequence[str], str], Result]

PARAMETERS = "/sys/module/nf_conntrack_sip/parameters/"


def _files(router: EdgeOs) -> dict[str, str]:
    """Every file that can be read, by path."""
    files = {
        BOOT_FILE: router.startup,
        "/proc/modules": router.kernel.proc_modules(),
        "/proc/sys/kernel/random/boot_id": f"{router.chassis.boot_id}\n",
        "/proc/sys/net/netfilter/nf_conntrack_count": f"{1 + len(router.kernel.flows)}\n",
        "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream": f"{STREAM_TIMEOUT}\n",
        "/proc/uptime": f"{router.chassis.uptime:.2f} {router.chassis.uptime * 1.9:.2f}\n",
        "/proc/sys/kernel/osrelease": f"{router.model.kernel}\n",
        "/etc/version": f"EdgeRouter.{router.options.version}\n",
        "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 9 (stretch)"\nID=debian\n',
        "/opt/vyatta/bin/vyatta-op-cmd-wrapper": "",
        **router.files,
    }
    if router.confirm_job is not None:
        files[CONFIRM_JOB] = f"{router.confirm_job}\n"
    if CONNTRACK_SIP in router.kernel.loaded:
        ports = find(router.running, ("system", "conntrack", "modules", "sip", "port")) or {"5060": {}}
        files[PARAMETERS + "ports"] = ",".join(ports) + "\n"
    return files


def _path(path: str) -> str:
    return re.sub(r"^(?:/opt/vyatta/etc/config|/etc/config)(?=/)", "/config", path)


def _read(env: Environment, word: str) -> str | None:
    """A file's text, if there is one that this user may read."""
    path = _path(word)
    return None if path == BOOT_FILE and env.restricted else _files(env.router).get(path)


def _trouble(env: Environment, word: str) -> str:
    return "Permission denied" if _path(word) in _files(env.router) else "No such file or directory"


def _cat(env: Environment, words: Sequence[str], stdin: str) -> Result:
    if not words:
        return Result(stdout=stdin)
    text, errors = "", ""
    for word in words:
        content = _read(env, word)
        if content is None:
            errors += f"cat: {word}: {_trouble(env, word)}\n"
        text += content or ""
    return Result(stdout=text, stderr=errors, status=1 if errors else 0)


def _ls(env: Environment, words: Sequence[str], stdin: str) -> Result:
    files, text, errors = _files(env.router), "", ""
    themselves = "-d" in words
    for word in [word for word in words if not word.startswith("-")]:
        path = _path(word).rstrip("/")
        inside = sorted(name[len(path) + 1 :] for name in files if name.startswith(path + "/"))
        if path in files or (themselves and any(name.startswith(path + "/") for name in files)):
            text += f"{word}\n"
        elif inside:
            text += "".join(f"{name}\n" for name in inside if "/" not in name)
        else:
            errors += f"ls: cannot access '{word}': No such file or directory\n"
    return Result(stdout=text, stderr=errors, status=2 if errors else 0)


def _cp(env: Environment, words: Sequence[str], stdin: str) -> Result:
    names = [word for word in words if not word.startswith("-")]
    router = env.router
    if len(names) != 2:
        return Result(stderr="cp: missing file operand\n", status=1)
    source, target = (_path(name) for name in names)
    files = _files(router)
    if source not in files:
        return Result(stderr=f"cp: cannot stat '{names[0]}': No such file or directory\n", status=1)
    if router.chassis.switches.save_fails:
        said = f"cp: cannot create regular file '{names[1]}': Read-only file system\n"
        return Result(stderr=said, status=1)
    router.chassis.wrote()
    if target == BOOT_FILE:
        router.startup = files[source]
    else:
        router.files[target] = files[source]
    return Result()


def _rm(env: Environment, words: Sequence[str], stdin: str) -> Result:
    names = [word for word in words if not word.startswith("-")]
    force = "-f" in words
    for name in names:
        path = _path(name)
        if path == CONFIRM_JOB and env.root:
            env.router.confirm_job = None
        elif env.router.files.pop(path, None) is None:
            said = "" if force else f"rm: cannot remove '{name}': No such file or directory\n"
            return Result(stderr=said, status=0 if force else 1)
        env.router.chassis.wrote()
    return Result()


def _uname(env: Environment, words: Sequence[str], stdin: str) -> Result:
    model = env.router.model
    full = f"Linux {env.router.host_name} {model.kernel} {model.built} {model.machine} GNU/Linux"
    parts = {"-a": full, "-r": model.kernel, "-m": model.machine, "-n": env.router.host_name}
    return Result(stdout=parts.get("".join(words), "Linux") + "\n")


def _atq(env: Environment, words: Sequence[str], stdin: str) -> Result:
    # Only root sees root's jobs, and those of commit-confirm are root's.
    text = ""
    for number, job in sorted(env.router.jobs.items()) if env.root else ():
        when = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(job.timer.due))
        text += f"{number}\t{when} a root\n"
    return Result(stdout=text)


def _atrm(env: Environment, words: Sequence[str], stdin: str) -> Result:
    errors = ""
    for word in words:
        if not env.root or not word.isdigit() or not env.router.unqueue(int(word)):
            errors += f"Cannot find jobid {word}\n"
    return Result(stderr=errors, status=1 if errors else 0)


def _sudo(env: Environment, words: Sequence[str], stdin: str) -> Result:
    rest = [word for word in words if word != "-n"]
    if env.restricted:
        return Result(stderr="sudo: a password is required\n", status=1)
    if not rest:
        return Result(stderr="usage: sudo -h | -K | -k | -V\n", status=1)
    before, env.root = env.root, True
    try:
        return run(env, rest, stdin, shell="sudo")
    finally:
        env.root = before


def _reboot(env: Environment, words: Sequence[str], stdin: str) -> Result:
    if not env.root:
        return Result(stderr="reboot: must be superuser.\n", status=1)
    env.router.reboot()
    return Result()


def _shutdown(env: Environment, words: Sequence[str], stdin: str) -> Result:
    if list(words) != ["-r", "now"]:
        return Result(stderr="Usage: shutdown [-r] TIME\n", status=1)
    return _reboot(env, words, stdin)


def _plain(text: Callable[[EdgeOs], str]) -> Command:
    return lambda env, words, stdin: Result(stdout=text(env.router))


def _export(env: Environment, words: Sequence[str], stdin: str) -> Result:
    for word in words:
        name, _, value = word.partition("=")
        env.names[name] = value
    return Result()


def _stty(env: Environment, words: Sequence[str], stdin: str) -> Result:
    for name, value in itertools.pairwise(words):
        if name == "rows" and value.isdigit():
            env.rows = int(value)
    return Result()


def _id(env: Environment, words: Sequence[str], stdin: str) -> Result:
    groups = (
        "100(users),998(vyattaop)" if env.restricted else "100(users),4(adm),6(disk),27(sudo),102(vyattacfg)"
    )
    return Result(stdout=f"uid=1000({env.user}) gid=100(users) groups={groups}\n")


def _filter(name: str, how: Callable[[Sequence[str], str], Result]) -> Command:
    def command(env: Environment, words: Sequence[str], stdin: str) -> Result:
        named = [word for word in words if word.startswith("/")]
        for word in named:
            content = _read(env, word)
            if content is None:
                return Result(stderr=f"{name}: {word}: {_trouble(env, word)}\n", status=2)
            stdin = content
        return how([word for word in words if word not in named], stdin)

    return command


def _leave(env: Environment, words: Sequence[str], stdin: str) -> Result:
    env.closed = True
    return Result(stdout="logout\n" if env.tty else "", status=int(words[0]) if words else 0)


COMMANDS: dict[str, Command] = {
    "[": lambda env, words, stdin: Result(status=0 if _path(words[1]) in _files(env.router) else 1),
    "atq": _atq,
    "atrm": _atrm,
    "cat": _cat,
    "cli-shell-api": wrappers.shell_api,
    "conntrack": tracking.conntrack,
    "count": _filter("count", filters.count),
    "cp": _cp,
    "date": _plain(lambda router: router.clock("%a %b %d %H:%M:%S UTC %Y\n")),
    "echo": lambda env, words, stdin: Result(stdout=" ".join(words) + "\n"),
    "egrep": _filter("egrep", lambda words, text: filters.grep(words, text, extended=True)),
    "exit": _leave,
    "export": _export,
    "false": lambda env, words, stdin: Result(status=1),
    "grep": _filter("grep", filters.grep),
    "head": _filter("head", filters.head),
    "hostname": _plain(lambda router: f"{router.host_name}\n"),
    "id": _id,
    "less": lambda env, words, stdin: Result(stdout=stdin, pager="less"),
    "ls": _ls,
    "lsmod": _plain(lambda router: router.kernel.lsmod()),
    "match": _filter("match", lambda words, text: filters.grep(words, text, extended=True)),
    "modprobe": tracking.module("modprobe"),
    "more": lambda env, words, stdin: Result(stdout=stdin, pager="more"),
    "no-match": _filter(
        "no-match", lambda words, text: filters.grep(words, text, extended=True, inverted=True)
    ),
    "no-more": lambda env, words, stdin: Result(stdout=stdin),
    "reboot": _reboot,
    "rm": _rm,
    "rmmod": tracking.module("rmmod"),
    "sg": wrappers.sg,
    "sh": wrappers.sh,
    "bash": wrappers.sh,
    "vbash": wrappers.sh,
    "shutdown": _shutdown,
    "stty": _stty,
    "sudo": _sudo,
    "sync": lambda env, words, stdin: Result(),
    "tail": _filter("tail", filters.tail),
    "true": lambda env, words, stdin: Result(),
    "uname": _uname,
    "uptime": _plain(operational.uptime),
    "vyatta-cfg-cmd-wrapper": wrappers.cfg_wrapper,
    "vyatta-op-cmd-wrapper": wrappers.op_wrapper,
    "wc": _filter("wc", filters.count),
    "whoami": lambda env, words, stdin: Result(stdout=("root" if env.root else env.user) + "\n"),
}


def run(env: Environment, words: Sequence[str], stdin: str, *, shell: str = "") -> Result:
    """Run a Linux command; ``shell`` names who says that there is no such command, if not vbash."""
    first = words[0]
    if "=" in first and "/" not in first.split("=")[0]:
        return _export(env, [first], stdin)
    command = COMMANDS.get(first.rsplit("/", 1)[-1])
    if command is not None:
        return command(env, words[1:], stdin)
    if shell:
        return Result(stderr=f"{shell}: {first}: command not found\n", status=1)
    if "/" in first:
        return Result(stderr=f"vbash: {first}: No such file or directory\n", status=127)
    return operational.invalid("", first)
