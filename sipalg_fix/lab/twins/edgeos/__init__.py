"""A virtual Ubiquiti EdgeRouter: EdgeOS' command line, its configurations, its kernel, its commit-confirm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipalg_fix.lab.twins.edgeos.options import accounts
from sipalg_fix.lab.twins.edgeos.router import EdgeOs

__all__ = ["EdgeOs", "from_options"]


def from_options(name: str, options: Mapping[str, Any]) -> EdgeOs:
    """
    A router from the plain options of a lab file.

    They are those of :class:`sipalg_fix.lab.twins.edgeos.options.Plain`, and ``users``, names with their
    ``password`` and ``level``; raises :class:`ValueError` that names an unknown one.
    """
    rest = {key: value for key, value in options.items() if key != "users"}
    return EdgeOs(name, accounts(options.get("users")), **rest)
