"""Somebody who types at a virtual EdgeRouter, for the tests of its command line."""

from __future__ import annotations

from typing import Any

from sipalg_fix.lab.twins.edgeos import EdgeOs, from_options

DISABLE = "set system conntrack modules sip disable"
ENABLE = "delete system conntrack modules sip disable"
SIP_LINES = "show configuration commands | grep sip"


class Typist:
    """Somebody at a terminal of the router, who reads only what came after the echo."""

    def __init__(self, router: EdgeOs, user: str = "ubnt", *, height: int = 24, width: int = 80) -> None:
        self.terminal = router.terminal(user, width, height)
        self.welcome = self.terminal.greet()

    def raw(self, typed: str) -> str:
        """Every byte that these keys bring."""
        return self.terminal.feed(typed)

    def do(self, *lines: str) -> str:
        """Type lines; what the last one brought, without its echo and the prompt, with plain line ends."""
        shown = ""
        for line in lines:
            shown = self.terminal.feed(line + "\n").removeprefix(line + "\r\n")
        body, _, _ = shown.replace("\r", "").rpartition("\n")
        return body.removesuffix("[edit]").removesuffix("\n")


def admin(router: EdgeOs, *lines: str) -> Typist:
    """A typist without a pager who has typed these lines."""
    typist = Typist(router)
    typist.do("terminal length 0", *lines)
    return typist


def box(**options: Any) -> EdgeOs:
    """A router called ubnt, as the recorded one was."""
    return from_options("ubnt", options)


def modules(router: EdgeOs) -> list[str]:
    """The SIP modules that are loaded."""
    return [name for name in router.kernel.loaded if name.endswith("_sip")]


def guarded(minutes: int = 2, **options: Any) -> tuple[EdgeOs, Typist]:
    """A router whose SIP ALG was just disabled under commit-confirm."""
    router = box(**({"revisions": 20} | options))
    typist = admin(router, "configure", DISABLE)
    typist.raw(f"commit-confirm {minutes}\ny")
    return router, typist
