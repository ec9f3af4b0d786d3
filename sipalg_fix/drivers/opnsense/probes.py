"""
OPNsense: what it is asked, over its API and, where that is configured, as root by SSH.

Root's shell is csh, so commands are wrapped for sh. Paths: the controllers in opnsense/core and in
opnsense/plugins, net/siproxd; replies recorded from OPNsense's own api.php, 2026-11.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._carp import question
from sipalg_fix.drivers._pf_states import LINES as STREAM_LINES
from sipalg_fix.drivers._siproxd import LINES
from sipalg_fix.model.session import Command

REST, SSH = "rest", "ssh"


def get(path: str) -> Command:
    """A GET; without its backend daemon OPNsense takes 20 seconds to say so (recorded)."""
    return Command(access=REST, text=f"GET {path}", seconds=60)


def shell(line: str) -> Command:
    """A command for sh."""
    return Command(access=SSH, text=line)


FIRMWARE = get("/api/core/firmware/info")
GENERAL = get("/api/siproxd/general/get")
SERVICE = get("/api/siproxd/service/status")
FORWARDS = get("/api/firewall/d_nat/search_rule")
"""Port forwards; 26.1 and later."""
TIME = get("/api/diagnostics/system/system_time")
"""Uptime. It is asked of the backend daemon: where this answers, that is alive."""
VERSION = shell("opnsense-version")
NAMED = re.compile(r"OPNsense (\d\S*)")
ENABLED = shell("pluginctl -g OPNsense.siproxd.general.enabled")
DAEMON = shell("service siproxd onestatus")
RULES = shell("pfctl -sn 2>&1 && echo end of rules")
BOOT = shell("sysctl -n kern.boottime")
ROOT = shell("id -u")
ADDRESSES = get("/api/diagnostics/interface/get_vip_status")
"""The state of each CARP address (InterfaceController.php)."""
HISTORY = get("/api/core/backup/backups/this")
"""The revisions of the configuration, with what each says of itself (BackupController.php)."""
ROLES = shell(question("/conf"))
PROBES = (
    GENERAL, SERVICE, FIRMWARE, FORWARDS, TIME, ADDRESSES, HISTORY,
    VERSION, ENABLED, DAEMON, RULES, BOOT, ROOT, ROLES,
)  # fmt: skip
CALLS = shell(LINES)
STREAMS = shell(STREAM_LINES)
BACKUP = get("/api/core/backup/download/this")
