"""
A virtual pfSense firewall, reached by SSH exec and by the package pfSense-pkg-RESTAPI 2.

pfSense has no SIP ALG; what works as one is the package siproxd. Written from the package's source
(siproxd.inc) and pfSense's (config.lib.inc, rc.initial), from pfctl's printing, and from a published session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipalg_fix.lab.twins.pfsense.firewall import PfsenseTwin
from sipalg_fix.lab.twins.pfsense.options import accounts, read_options

__all__ = ["PfsenseTwin", "from_options"]


def from_options(name: str, options: Mapping[str, Any]) -> PfsenseTwin:
    """
    A firewall from the plain options of a lab file.

    They are those of :class:`sipalg_fix.lab.twins.pfsense.options.Options`, and ``users``, names with their
    ``password``; raises :class:`ValueError` that names an unknown one.
    """
    rest = {key: value for key, value in options.items() if key != "users"}
    return PfsenseTwin(name, accounts(options.get("users")), read_options(rest))
