"""
The commands that reach the kernel: rmmod, modprobe and conntrack, with the words of kmod and conntrack-tools.

Recorded from both on a Linux 6.1 (2026-11); conntrack prints its flows on standard output and their
number on standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sipalg_fix.lab.twins.edgeos import commit
from sipalg_fix.lab.twins.edgeos.kernel import CONNTRACK, STREAM_TIMEOUT, Flow
from sipalg_fix.lab.twins.edgeos.router import EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Result

if TYPE_CHECKING:
    from sipalg_fix.lab.twins.edgeos.environment import Environment

Command = Callable[["Environment", Sequence[str], str], Result]

WAN = "203.0.113.1"
FILTERS = {
    "-p": "protocol",
    "--dport": "port",
    "--orig-port-dst": "port",
    "-f": "family",
    "-u": "status",
    "-s": "source",
    "--src": "source",
    "--orig-src": "source",
}
NOT_ROOT = "Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n"


def module(verb: str) -> Command:
    """rmmod or modprobe, for root only."""

    def command(env: Environment, words: Sequence[str], stdin: str) -> Result:
        names = [word for word in words if not word.startswith("-")]
        if not env.root or env.router.chassis.switches.refuse_writes:
            said = f"{verb}: ERROR: could not {'remove' if verb == 'rmmod' else 'insert'} module"
            return Result(stderr=f"{said} {' '.join(names)}: Operation not permitted\n", status=1)
        env.router.chassis.wrote()
        errors = "".join(commit.act(env.router, verb, name) for name in names)
        return Result(stderr=errors, status=1 if errors else 0)

    return command


def conntrack(env: Environment, words: Sequence[str], stdin: str) -> Result:
    """conntrack -L, -D, -F and -C, with filters by protocol, destination port and source; and -L expect."""
    if not env.root:
        return Result(stderr=CONNTRACK + NOT_ROOT, status=1)
    rest = list(words[1:])
    table = rest.pop(0) if rest and not rest[0].startswith("-") else "conntrack"
    wanted = {"protocol": "", "port": "", "source": "", "family": "", "status": ""}
    while rest:
        option = rest.pop(0)
        if option not in FILTERS or not rest:
            said = (
                f"unknown option `{option}'\nTry `conntrack -h' or 'conntrack --help' for more information.\n"
            )
            return Result(stderr=CONNTRACK + said, status=2)
        wanted[FILTERS[option]] = rest.pop(0)

    def chosen(protocol: str, port: int, source: str) -> bool:
        has = {"protocol": protocol, "port": str(port), "source": source, "family": "ipv4"}
        return all(value in {"", has.get(name, value)} for name, value in wanted.items())

    if wanted["status"]:
        return _foreseen(env.router, chosen)
    if table == "expect":
        return _expectations(env.router)
    return _carry_out(env.router, "".join(words[:1]), chosen)


def _foreseen(router: EdgeOs, chosen: Callable[[str, int, str], bool]) -> Result:
    """-L of what a helper had foreseen: media of calls."""
    flows = [f for f in router.kernel.flows if f.expected and chosen(f.protocol, f.dport, f.inside)]
    lines = "".join(f"{flow.line(WAN, 119)}\n" for flow in flows)
    return Result(stdout=lines, stderr=f"{CONNTRACK}{len(flows)} flow entries have been shown.\n")


def _carry_out(router: EdgeOs, operation: str, chosen: Callable[[str, int, str], bool]) -> Result:
    flows = [flow for flow in router.kernel.flows if chosen(flow.protocol, flow.dport, flow.inside)]
    lines = "".join(f"{flow.line(WAN, _left(router, flow))}\n" for flow in flows)
    match operation:
        case "-L":
            return Result(stdout=lines, stderr=f"{CONNTRACK}{len(flows)} flow entries have been shown.\n")
        case "-C":
            return Result(stdout=f"{len(router.kernel.flows)}\n")
        case "-D" | "-F" if router.chassis.switches.refuse_writes:
            return Result(stderr=f"{CONNTRACK}Operation failed: Operation not permitted\n", status=1)
        case "-F":
            router.flush(lambda *_: True)
            return Result(stderr=f"{CONNTRACK}connection tracking table has been emptied.\n")
        case "-D":
            count = router.flush(chosen)
            said = f"{CONNTRACK}{count} flow entries have been deleted.\n"
            return Result(stdout=lines, stderr=said, status=0 if count else 1)
        case _:
            return Result(stderr=f"{CONNTRACK}you need to supply the operation\n", status=2)


def _left(router: EdgeOs, flow: Flow) -> int:
    """A flow's time to live: phones refresh theirs each minute."""
    if flow.protocol == "tcp":
        return 431999
    idle = 0 if flow.passes else int(router.chassis.now) % 60
    return (3600 if flow.helper else STREAM_TIMEOUT) - 1 - idle


def _expectations(router: EdgeOs) -> Result:
    mask = "mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535"
    text = "".join(
        f"599 proto=17 src={flow.outside} dst={WAN} sport=0 dport={flow.sport} {mask} "
        f"master-src={flow.inside} master-dst={flow.outside} sport={flow.sport} dport={flow.dport} "
        "PERMANENT class=0 helper=sip\n"
        for flow in router.kernel.expected
    )
    return Result(
        stdout=text, stderr=f"{CONNTRACK}{len(router.kernel.expected)} expectations have been shown.\n"
    )
