"""The command ``conntrack``, in the words of conntrack-tools 1.4.7 as recorded."""

from __future__ import annotations

from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twins.linux.kernel import EXPECT_TIMEOUT, WAN, Flow, Kernel

_SAYS = "conntrack v1.4.7 (conntrack-tools): "
_HINT = "Try `conntrack -h' or 'conntrack --help' for more information.\n"
_NOT_ROOT = "Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this"
_VALUED: dict[str, str] = {
    "-p": "protocol",
    "--protonum": "protocol",
    "-f": "family",
    "--family": "family",
    "-s": "source",
    "--src": "source",
    "--orig-src": "source",
    "-d": "destination",
    "--dst": "destination",
    "--orig-dst": "destination",
    "--sport": "sport",
    "--orig-port-src": "sport",
    "--dport": "dport",
    "--orig-port-dst": "dport",
    "-u": "status",
    "--status": "status",
    "-o": "output",
    "--output": "output",
}
_NUMBERS = {"tcp": 6, "udp": 17}


def conntrack(call: Call, kernel: Kernel) -> int:
    """-L, -D, -F and -C, of connections and of expectations."""
    rest = call.arguments[1:]
    command = rest.pop(0) if rest else ""
    if command in ("-V", "--version"):
        call.out("conntrack v1.4.7 (conntrack-tools)\n")
        return 0
    if command not in ("-L", "--dump", "-D", "--delete", "-F", "--flush", "-C", "--count"):
        return _usage(call, f"unknown option `{command}'")
    table = rest.pop(0) if rest and not rest[0].startswith("-") else "conntrack"
    if table not in ("conntrack", "expect"):
        return _usage(call, f"unknown type `{table}'")
    wanted: dict[str, str] = {}
    while rest:
        option = rest.pop(0)
        if option not in _VALUED or not rest:
            return _usage(call, f"unknown option `{option}'")
        wanted[_VALUED[option]] = rest.pop(0)
    if wanted.get("protocol", "udp") not in _NUMBERS:
        return _usage(call, f"`{wanted['protocol']}' unsupported protocol")
    if wanted.get("output", "extended") not in ("extended", "id"):
        return _usage(call, f"`{wanted['output']}' unsupported by this twin")
    kernel.talk()
    flows = [flow for flow in kernel.flows if _selected(flow, wanted)]
    if call.process.user != "root":
        if command in ("-F", "--flush"):
            call.err(f"{_SAYS}connection tracking table has been emptied.\n")
        call.err(f"{_SAYS}{_NOT_ROOT}\n")
        return 1
    if command in ("-D", "--delete", "-F", "--flush") and kernel.chassis.switches.refuse_writes:
        call.err(f"{_SAYS}Operation failed: Operation not supported\n")
        return 1
    return _done(call, kernel, command, table, flows, wanted.get("output", ""))


def _usage(call: Call, message: str) -> int:
    call.err(f"{_SAYS}{message}\n{_HINT}")
    return 2


def _selected(flow: Flow, wanted: dict[str, str]) -> bool:
    packet = flow.packet
    actual = {
        "protocol": packet.protocol,
        "family": "ipv6" if packet.family == "ip6" else "ipv4",
        "source": packet.source,
        "destination": packet.destination,
        "sport": str(packet.sport),
        "dport": str(packet.dport),
        "status": "EXPECTED" if flow.expected else "",
    }
    # Without -f only IPv4 is meant.
    return all(actual.get(name, value) == value for name, value in ({"family": "ipv4"} | wanted).items())


def _done(call: Call, kernel: Kernel, command: str, table: str, flows: list[Flow], output: str) -> int:
    if table == "expect":
        return _expectations(call, kernel, command)
    match command:
        case "-C" | "--count":
            call.out(f"{len(kernel.flows)}\n")
        case "-F" | "--flush":
            kernel.forget(list(kernel.flows))
            kernel.chassis.wrote()
            call.err(f"{_SAYS}connection tracking table has been emptied.\n")
        case "-L" | "--dump":
            # The summary comes first where both go to one place (recorded): the list is buffered.
            call.err(f"{_SAYS}{len(flows)} flow entries have been shown.\n")
            call.out("".join(line(flow, kernel, output) for flow in flows))
        case _:
            call.err(f"{_SAYS}{len(flows)} flow entries have been deleted.\n")
            call.out("".join(line(flow, kernel, output) for flow in flows))
            if not flows:
                return 1
            kernel.forget(flows)
            kernel.chassis.wrote()
    return 0


def line(flow: Flow, kernel: Kernel, output: str = "") -> str:
    """A connection as it is listed."""
    packet = flow.packet
    left = max(0, int(flow.seen + flow.timeout - kernel.chassis.now) - 1)
    far = f"src={packet.destination} dst={WAN} sport={packet.dport} dport={packet.sport}"
    if packet.family == "ip6":
        far = f"src={packet.destination} dst={packet.source} sport={packet.dport} dport={packet.sport}"
    family = "ipv6     10 " if packet.family == "ip6" else "ipv4     2 "
    text = f"{packet.protocol:<8} {_NUMBERS[packet.protocol]} {left} "
    text += f"src={packet.source} dst={packet.destination} sport={packet.sport} dport={packet.dport} "
    text += f"{far} {'[ASSURED] ' if flow.passes else ''}mark=0 {'helper=sip ' if flow.helper else ''}use=1"
    prefix = family if output == "extended" else ""
    suffix = f" id={packet.sport * 65537}" if output == "id" else ""
    return f"{prefix}{text}{suffix}\n"


def _expectations(call: Call, kernel: Kernel, command: str) -> int:
    """One for the signalling of each registered phone that the helper follows."""

    def left(flow: Flow) -> int:
        return int(flow.seen + EXPECT_TIMEOUT - kernel.chassis.now) - 1

    masters = [flow for flow in kernel.flows if flow.helper and left(flow) >= 0]
    match command:
        case "-L" | "--dump":
            call.err(f"{_SAYS}{len(masters)} expectations have been shown.\n")
            for flow in masters:
                packet = flow.packet
                call.out(
                    f"{left(flow)} proto={_NUMBERS[packet.protocol]} src={packet.destination} dst={WAN} "
                    f"sport=0 dport={packet.sport} mask-src=255.255.255.255 mask-dst=255.255.255.255 "
                    f"sport=0 dport=65535 master-src={packet.source} master-dst={packet.destination} "
                    f"sport={packet.sport} dport={packet.dport} PERMANENT class=0 helper=sip\n"
                )
        case "-C" | "--count":
            call.out(f"{len(masters)}\n")
        case "-F" | "--flush":
            call.err(f"{_SAYS}expectation table has been emptied.\n")
        case _:
            return _usage(call, "this twin deletes expectations with their connection")
    return 0
