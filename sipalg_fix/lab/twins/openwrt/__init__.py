"""
A virtual OpenWrt router, reached by SSH exec.

Written from the source of uci, firewall4 and firewall3, from what OpenWrt's own uci and fw4 printed (recorded
in 2026-11), and from fw4's rules as nftables 1.0.6 lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipalg_fix.lab.twins.openwrt.options import accounts, read_options
from sipalg_fix.lab.twins.openwrt.router import OpenwrtTwin

__all__ = ["OpenwrtTwin", "from_options"]


def from_options(name: str, options: Mapping[str, Any]) -> OpenwrtTwin:
    """
    A router from the plain options of a lab file.

    They are those of :class:`sipalg_fix.lab.twins.openwrt.options.Options`, and ``users``, names with their
    ``password``; raises :class:`ValueError` that names an unknown one.
    """
    rest = {key: value for key, value in options.items() if key != "users"}
    return OpenwrtTwin(name, accounts(options.get("users")), read_options(rest))
