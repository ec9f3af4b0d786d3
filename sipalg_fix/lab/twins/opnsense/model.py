"""
The settings of os-siproxd: their fields, how the API shows them, what it accepts, how they are stored.

Source: the plugin's model ``General.xml`` (opnsense/plugins, net/siproxd) for names, order, defaults and
limits; replies recorded from OPNsense's own api.php, 2026-11, for the words of a failed validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

INTERFACES = {"lan": "LAN", "wan": "WAN"}

RPORT = (
    "Do not add ;rport to via header (0)",
    "Add ;rport to INCOMING via header (1)",
    "Add ;rport to OUTGOING via header (2)",
    "Add ;rport to OUTGOING and INCOMING via headers (3)",
)

REQUIRED = "A value is required."


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean:
    """``0`` or ``1``, as text."""

    default: str = "0"
    required: bool = False

    def fault(self, text: str) -> str | None:
        """What is wrong with this value; None if nothing is."""
        if not text:
            return REQUIRED if self.required else None
        return None if text in ("0", "1") else "Value should be a boolean (0,1)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number within limits; without limits any number or nothing."""

    default: str = ""
    lowest: int | None = None
    highest: int | None = None

    def fault(self, text: str) -> str | None:
        """What is wrong with this value; None if nothing is."""
        if not text:
            return REQUIRED if self.lowest is not None else None
        low = self.lowest if self.lowest is not None else 0
        high = self.highest if self.highest is not None else 1 << 31
        return None if text.isdecimal() and low <= int(text) <= high else "Invalid integer value."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of some options, which must be chosen."""

    options: tuple[str, ...]
    default: str = ""

    def fault(self, text: str) -> str | None:
        """What is wrong with this value; None if nothing is."""
        if not text:
            return REQUIRED
        return None if text in self.options else "Option [] not in list."


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Anything."""

    default: str = ""

    def fault(self, text: str) -> str | None:
        """Nothing is ever wrong with it."""
        return None


Field = Boolean | Number | Choice | Text


def _port(default: int) -> Number:
    return Number(default=str(default), lowest=1, highest=65_535)


def _upto(highest: int, default: int, lowest: int = 1) -> Number:
    return Number(default=str(default), lowest=lowest, highest=highest)


FIELDS: Mapping[str, Field] = {
    "enabled": Boolean(required=True),
    "if_inbound": Choice(options=tuple(INTERFACES), default="lan"),
    "if_outbound": Choice(options=tuple(INTERFACES), default="wan"),
    "host_outbound": Text(),
    "hosts_allow_reg": Text(),
    "hosts_allow_sip": Text(),
    "hosts_deny_sip": Text(),
    "sip_listen_port": _port(5060),
    "rtp_port_low": _port(7070),
    "rtp_port_high": _port(7089),
    "rtp_timeout": _upto(10_000, 300),
    "rtp_dscp": _upto(64, 46, 0),
    "sip_dscp": _upto(64, 0, 0),
    "rtp_input_dejitter": _upto(5_000, 0, 0),
    "rtp_output_dejitter": _upto(5_000, 0, 0),
    "proxy_auth_enable": Boolean(),
    "tcp_timeout": _upto(10_000, 600),
    "tcp_connect_timeout": _upto(10_000, 500),
    "tcp_keepalive": _upto(10_000, 20, 0),
    "ua_string": Text(),
    "use_rport": Choice(options=("0", "1", "2", "3"), default="1"),
    "plugin_defaulttarget_enable": Boolean(),
    "plugin_defaulttarget_log": Boolean(),
    "plugin_defaulttarget_target": Text(),
    "plugin_fix_bogus_via_enable": Boolean(),
    "plugin_fix_bogus_via_networks": Text(),
    "plugin_fix_DTAG_enable": Boolean(),
    "plugin_fix_DTAG_networks": Text(),
    "plugin_fbox_anoncall_enable": Boolean(),
    "plugin_fbox_anoncall_networks": Text(),
    "plugin_stun_server_enable": Boolean(),
    "plugin_stun_server_host": Text(),
    "plugin_stun_server_port": Number(),
    "plugin_stun_server_period": Number(),
}

Settings = dict[str, str]


def defaults() -> Settings:
    """The settings of a box where somebody has chosen the interfaces and nothing else."""
    return {name: field.default for name, field in FIELDS.items()}


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as ``general/get`` gives them: choices with all their options, everything else as text."""
    view: dict[str, Any] = dict(settings)
    for name in ("if_inbound", "if_outbound"):
        view[name] = {
            key: {"value": title, "selected": int(settings[name] == key)} for key, title in INTERFACES.items()
        }
    # Keys that count from nought become a list on the way through PHP's JSON.
    view["use_rport"] = [
        {"value": title, "selected": int(settings["use_rport"] == str(key))}
        for key, title in enumerate(RPORT)
    ]
    return view


def patched(settings: Settings, given: Any) -> tuple[Settings, dict[str, str]]:
    """
    The settings with those of ``given`` in place of their own, and the faults, by ``general.<field>``.

    Fields that do not exist are passed over. The whole result is validated, so that what was wrong
    before is a fault as well. A value is turned into text as PHP does it: true is ``1``, false and null
    are nothing at all.
    """
    new = dict(settings)
    for name, value in given.items() if isinstance(given, dict) else ():
        if name in FIELDS and not isinstance(value, (dict, list)):
            new[name] = as_text(value)
    faults = ((name, field.fault(new[name])) for name, field in FIELDS.items())
    return new, {f"general.{name}": fault for name, fault in faults if fault is not None}


def as_text(value: Any) -> str:
    """A JSON value as PHP casts it to a string."""
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def as_xml(settings: Settings, *, persisted_at: str, indent: str) -> str:
    """The element as it stands in config.xml; empty values are empty elements."""
    attributes = f'version="1.1.0" persisted_at="{persisted_at}" description="Siproxd configuration"'
    lines = [f"<general {attributes}>"]
    for name, text in settings.items():
        lines.append(f"  <{name}>{escape(text)}</{name}>" if text else f"  <{name}/>")
    lines.append("</general>")
    return "".join(f"{indent}{line}\n" for line in lines)
