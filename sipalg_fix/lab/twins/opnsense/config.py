"""
``/conf/config.xml`` of the virtual OPNsense, and the copies that each save leaves in ``/conf/backup``.

Source: lists, differences and names recorded from OPNsense's own api.php, 2026-11. Every save makes a
revision, whether anything changed or not, and the newest copy is the configuration as it stands.
"""

from __future__ import annotations

import copy
import datetime
import difflib
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from sipalg_fix.lab.twins.opnsense import model
from sipalg_fix.lab.twins.opnsense.pf import Forward

SECRET = "$2y$11$Ay5SvUJ2Pb8oW0iT6nYpSecretOfTheLabKeepItOutOfLogs00"
"""The hash of a password, which a configuration is full of, and which must show up nowhere else."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """What can be configured here. ``siproxd`` is None without the plugin."""

    siproxd: model.Settings | None
    forwards: list[Forward] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One saved configuration. ``time`` is seconds since the epoch, to the hundredth."""

    settings: Settings
    time: float
    user: str
    token: str
    description: str
    xml: str

    @property
    def id(self) -> str:
        """The file's name: four digits after the point, without noughts at the end."""
        return f"config-{self.time + 0.0001:.4f}".rstrip("0") + ".xml"

    @property
    def iso(self) -> str:
        """The time for people, to the second."""
        return datetime.datetime.fromtimestamp(int(self.time), datetime.UTC).isoformat()


@dataclass(slots=True, kw_only=True)
class Config:
    """The configuration, with its history, oldest first."""

    host: str
    settings: Settings
    history: list[Revision] = field(default_factory=list)

    def save(self, *, now: float, user: str, token: str, description: str) -> None:
        """Store the settings as they are now. Two saves are never of the same moment."""
        time = round(max(now, self.history[-1].time + 0.01 if self.history else 0.0), 2)
        xml = self._xml(time=time, user=user, token=token, description=description)
        self.history.append(
            Revision(
                settings=copy.deepcopy(self.settings),
                time=time,
                user=user,
                token=token,
                description=description,
                xml=xml,
            )
        )

    def find(self, name: str) -> Revision | None:
        """The copy of this file name."""
        return next((revision for revision in self.history if revision.id == name), None)

    def restore(self, revision: Revision) -> None:
        """Take the settings from a copy; the caller saves."""
        self.settings = copy.deepcopy(revision.settings)

    def _xml(self, *, time: float, user: str, token: str, description: str) -> str:
        siproxd = self.settings.siproxd
        plugin = ""
        if siproxd is not None:
            general = model.as_xml(siproxd, persisted_at=f"{time:.2f}", indent="      ")
            plugin = f"    <siproxd>\n{general}    </siproxd>\n"
        rules = "".join(forward.as_xml("    ") for forward in self.settings.forwards)
        return (
            '<?xml version="1.0"?>\n<opnsense>\n  <system>\n'
            f"    <hostname>{escape(self.host)}</hostname>\n    <domain>example.net</domain>\n"
            f"    <user>\n      <name>root</name>\n      <password>{SECRET}</password>\n    </user>\n"
            f"  </system>\n  <nat>\n{rules}  </nat>\n  <OPNsense>\n{plugin}  </OPNsense>\n"
            f"  <revision>\n    <username>{escape(user)}</username>\n"
            f"    <user_apitoken>{escape(token)}</user_apitoken>\n"
            f"    <description>{escape(description)}</description>\n    <time>{time:.2f}</time>\n"
            "  </revision>\n</opnsense>\n"
        )


def difference(older: Revision, newer: Revision) -> list[str]:
    """The lines of ``diff -u``, nothing for equal files."""

    def label(revision: Revision) -> str:
        moment = datetime.datetime.fromtimestamp(revision.time, datetime.UTC)
        return f"/conf/backup/{revision.id}\t{moment:%Y-%m-%d %H:%M:%S.%f}000 +0000"

    found = list(difflib.unified_diff(older.xml.splitlines(), newer.xml.splitlines(), lineterm=""))
    return [f"--- {label(older)}", f"+++ {label(newer)}", *found[2:]] if found else []
