"""
A virtual Cisco router: IOS' or IOS-XE's command line, its configurations, its NAT and the ALG in it.

Written from Cisco's configuration guides and command references, and from published sessions.

Switches: ``locked`` refuses ``configure terminal``; ``refuse_writes`` answers every line of configuration,
``write`` and ``clear`` as unknown; ``save_fails`` has no room for the configuration; with ``stay_on`` lines
are taken and shown, and the ALG goes on until the next boot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipalg_fix.lab.twins.cisco_ios.options import accounts
from sipalg_fix.lab.twins.cisco_ios.router import CiscoIos

__all__ = ["CiscoIos", "from_options"]


def from_options(name: str, options: Mapping[str, Any]) -> CiscoIos:
    """
    A router from the plain options of a lab file.

    They are those of :class:`sipalg_fix.lab.twins.cisco_ios.options.Options`, and ``users``, names with
    their ``password`` and ``level`` (1 or 15); raises :class:`ValueError` that names an unknown one.
    """
    rest = {key: value for key, value in options.items() if key != "users"}
    return CiscoIos(name, accounts(options.get("users")), **rest)
