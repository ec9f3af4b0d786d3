"""
A virtual Linux router with nftables, iptables, conntrack and the kernel's SIP helper, reached by SSH exec.

Written from what real ones printed (Debian 12 with nftables 1.0.6, iptables 1.8.9, conntrack-tools 1.4.7
and kmod 30 on kernels 6.1 and 6.18, recorded in 2026-11) and from their manuals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipalg_fix.lab.twins.linux.options import accounts, read_options
from sipalg_fix.lab.twins.linux.router import LinuxTwin

__all__ = ["LinuxTwin", "from_options"]


def from_options(name: str, options: Mapping[str, Any]) -> LinuxTwin:
    """
    A router from the plain options of a lab file.

    They are those of :class:`sipalg_fix.lab.twins.linux.options.Options`, and ``users``, names with their
    ``password`` and ``level``; raises :class:`ValueError` that names an unknown one.
    """
    rest = {key: value for key, value in options.items() if key != "users"}
    return LinuxTwin(name, accounts(options.get("users")), read_options(rest))
