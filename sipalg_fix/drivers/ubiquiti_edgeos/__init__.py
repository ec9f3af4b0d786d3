"""
Ubiquiti EdgeOS (EdgeRouter, EdgePoint; a USG reached by SSH).

What it is asked and how it is read: :mod:`.read`. What is done about it: :mod:`.change`. Here: how it is
talked to, its guard, and the driver itself.
"""

from __future__ import annotations

from sipalg_fix.drivers._calls import live_calls, live_streams
from sipalg_fix.drivers._family import boot_id
from sipalg_fix.drivers.ubiquiti_edgeos.change import flush, remedy
from sipalg_fix.drivers.ubiquiti_edgeos.config import SECRETS
from sipalg_fix.drivers.ubiquiti_edgeos.guard import GUARD
from sipalg_fix.drivers.ubiquiti_edgeos.hallmarks import HALLMARKS
from sipalg_fix.drivers.ubiquiti_edgeos.lines import REBOOT
from sipalg_fix.drivers.ubiquiti_edgeos.probes import ACCESS, BOOT, CALLS, PROBES, STARTUP, STREAMS
from sipalg_fix.drivers.ubiquiti_edgeos.read import parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import SshCli

CLI = SshCli(
    netmiko_type="ubiquiti_edgerouter",
    # ubnt@edge:~$ (admin), oper@edge> (operator), ubnt@edge# under [edit] (configure mode)
    prompt=r"[\w.-]+@[\w.-]+(?::[^\s#$>]*)?[$#>] ?$",
    failures=(
        r"^\s*Invalid command:",
        r"^\s*Incomplete command:",
        r"^\s*(?:Set|Delete|Show) failed\s*$",
        r"^Commit failed\s*$",
        r"^Must be an admin user",
    ),
    prepare=("terminal length 0", "terminal width 512", "export VYATTA_PAGER=cat"),
)

ADMIN = (
    "# one account for both: the level operator may not even read the configuration",
    "configure",
    "set system login user sipalg level admin",
    "set system login user sipalg authentication plaintext-password <password>",
    "commit",
    "# then save, which also saves what others have left unsaved: save",
    "exit",
)
SUPPORT = Support(
    versions=("1.10 to 3.0, as published configurations and captures show them",),
    unverified=(
        "that a commit unloads the modules: so it is on Vyatta, EdgeOS's parent; each change looks",
        "that 'show version' over its wrapper, without a terminal, says the same as at the prompt",
        "the texts of commit-confirm on EdgeOS, and of a commit that fails",
        "that a stream which its offloading forwards is refreshed in the list of connections",
        "whether a UniFi Security Gateway keeps a change until its next provisioning",
    ),
    account={"audit": ADMIN, "change": ADMIN},
)

DRIVER = Driver(
    platform="ubiquiti_edgeos",
    title="Ubiquiti EdgeOS (EdgeRouter)",
    aliases=("ubiquiti_edgerouter", "edgeos", "edgerouter", "edgemax", "community.network.edgeos"),
    accesses={ACCESS: CLI},
    probes=PROBES,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=REBOOT,
    boot_probes=(BOOT,),
    boot_mark=lambda seen: boot_id(seen, BOOT),
    guard=GUARD,
    backup=(STARTUP,),
    calls=(CALLS,),
    live_calls=lambda seen: live_calls(seen, CALLS),
    streams=(STREAMS,),
    live_streams=lambda seen: live_streams(seen, STREAMS),
    secrets=SECRETS,
    support=SUPPORT,
    hallmarks=HALLMARKS,
)
