"""
EdgeOS: what it is asked, and the words to look for in its answers.

SIP ALG is the kernel helper pair nf_conntrack_sip and nf_nat_sip, which EdgeOS loads unless the
configuration holds ``system conntrack modules sip disable``. Other children of ``sip`` (``port``,
``enable-indirect-media``) say nothing of it. Texts: a published EdgeRouter X (v2.0.9), vyatta-cfg as
Ubiquiti ships it, and a Vyatta CLI recorded in 2026-11, which is EdgeOS's parent.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import lines, stream_lines
from sipalg_fix.drivers.ubiquiti_edgeos.config import Path
from sipalg_fix.model.session import Command

ACCESS = "cli"
VERSION = Command(access=ACCESS, text="show version")
RUNNING = Command(access=ACCESS, text="show configuration commands | no-more", seconds=60)
STARTUP = Command(access=ACCESS, text="cat /config/config.boot")
# The end mark shows that no line was lost; ``$?`` would do too, but ``?`` asks this shell for help.
MODULES = Command(access=ACCESS, text="cat /proc/modules && echo end of modules")
BOOT = Command(access=ACCESS, text="cat /proc/sys/kernel/random/boot_id")
QUEUE = Command(access=ACCESS, text="sudo atq && echo end of queue")
CONFIRM_JOB = Command(access=ACCESS, text="ls /var/run/confirm.job")
CALLS = Command(access=ACCESS, text=lines("sudo "), seconds=60)
STREAMS = Command(access=ACCESS, text=stream_lines("sudo "), seconds=60)
PROBES = (VERSION, RUNNING, STARTUP, MODULES, BOOT, CONFIRM_JOB, QUEUE)

SIP: Path = ("system", "conntrack", "modules", "sip")
DISABLE: Path = (*SIP, "disable")
SWITCH = r"^set system conntrack modules '?sip'? '?disable'?\s*$"
HOST_NAME = r"^set system host-name \S"
"""
Every EdgeOS configuration has a host name from the first boot on, and lines come in the order of the
alphabet: where it stands, ``system conntrack`` before it has been printed.
"""
MODULE = re.compile(r"^(nf_nat_sip|nf_conntrack_sip) \d+ (\d+) (\S+)", re.MULTILINE)
MODEL = r"^HW model:\s+((?:EdgeRouter|EdgePoint|UniFi-Gateway|USG).*)$"
USG = ("UniFi-Gateway", "USG")
ABSENT, USED, REVISIONS = "absent: ", "used by others: ", "commit-revisions"
"""Beginnings of notes: the path to delete again, a module in use, that revisions are kept."""
