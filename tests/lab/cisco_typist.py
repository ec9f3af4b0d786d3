"""Somebody who types at a virtual Cisco router, for the tests of its command line."""

from __future__ import annotations

from typing import Any

from sipalg_fix.lab.twins.cisco_ios import CiscoIos, from_options

UDP, TCP = (f"no ip nat service sip {name} port 5060" for name in ("udp", "tcp"))
SIP_LINES = "show running-config | include ip nat service"


class Typist:
    """Somebody at a terminal of the router, who reads only what came after the echo."""

    def __init__(self, router: CiscoIos, user: str = "admin", *, height: int = 24, width: int = 80) -> None:
        self.terminal = router.terminal(user, width, height)
        self.welcome = self.terminal.greet()
        self.prompt = self.welcome.rpartition("\n")[2]

    def raw(self, typed: str) -> str:
        """Every byte that these keys bring."""
        return self.terminal.feed(typed)

    def do(self, *lines: str) -> str:
        """Type lines; what the last one brought, without its echo and the prompt, with plain line ends."""
        shown = ""
        for line in lines:
            shown = self.terminal.feed(line + "\n").removeprefix(line + "\r\n")
        body, _, self.prompt = shown.replace("\r", "").rpartition("\n")
        return body


def box(**options: Any) -> CiscoIos:
    """A router called edge-01."""
    return from_options("edge-01", options)


def typist(router: CiscoIos, *lines: str) -> Typist:
    """Somebody without pages who has typed these lines."""
    someone = Typist(router)
    someone.do("terminal length 0", *lines)
    return someone


def sip_lines(router: CiscoIos) -> list[str]:
    """The lines of NAT's SIP service in the running configuration."""
    return [line for line in router.snapshot()["running"] if "ip nat service" in line]
