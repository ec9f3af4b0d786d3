"""
Which platforms there are: each module or package in this folder that does not begin with ``_`` is one.

Nothing lists them by hand. A driver is pure data and functions, so importing all of them costs
milliseconds and loads no device library.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from sipalg_fix.model.driver import Driver


@cache
def discover() -> Mapping[str, Driver]:
    """All drivers by platform name, in the order of the names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
    return MappingProxyType({name: _driver(name) for name in names})


@cache
def named() -> Mapping[str, Driver]:
    """All drivers by platform name and by what other tools call the platform, in lower case."""
    drivers = discover()
    aliases = {alias.lower(): driver for driver in drivers.values() for alias in driver.aliases}
    return MappingProxyType({**aliases, **drivers})


def by_name(name: str) -> Driver:
    """
    The driver for a platform as this tool, netmiko, Ansible, Oxidized or NAPALM calls it.

    :class:`KeyError` says which names there are.
    """
    wanted = name.strip().lower()
    try:
        return named()[wanted]
    except KeyError:
        raise KeyError(f"there is no platform {name!r}; there are {', '.join(discover())}") from None


def _driver(name: str) -> Driver:
    driver = importlib.import_module(f"{__name__}.{name}").DRIVER
    if not isinstance(driver, Driver) or driver.platform != name:
        raise TypeError(f"{__name__}.{name} holds no DRIVER for the platform of its own name")
    return driver
