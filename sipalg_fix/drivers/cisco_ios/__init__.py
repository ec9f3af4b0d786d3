"""
Cisco IOS and IOS-XE: routers whose NAT translates SIP.

What it is asked: :mod:`.probes`; how its configuration and planes are read: :mod:`.config`,
:mod:`.planes`, :mod:`.saved`, :mod:`.firewalls`; what is done about it: :mod:`.change`; what passes it:
:mod:`.streams`, :mod:`.passing`. Here: how it is talked to, and the driver itself.
"""

from __future__ import annotations

from sipalg_fix.drivers._family import went_back
from sipalg_fix.drivers.cisco_ios.boot import boot_mark
from sipalg_fix.drivers.cisco_ios.change import flush, remedy
from sipalg_fix.drivers.cisco_ios.guard import GUARD
from sipalg_fix.drivers.cisco_ios.hallmarks import hallmarks
from sipalg_fix.drivers.cisco_ios.lines import RELOAD
from sipalg_fix.drivers.cisco_ios.probes import ACCESS, PROBES, RUNNING, VERSION, more_probes
from sipalg_fix.drivers.cisco_ios.read import parse
from sipalg_fix.drivers.cisco_ios.secrets import SECRETS
from sipalg_fix.drivers.cisco_ios.streams import STREAMS, live_streams
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import SshCli

CLI = SshCli(
    netmiko_type="cisco_ios",
    # edge-01> (user), edge-01# (privileged), edge-01(config)#, edge-01(config-if)#; and user@host:~$, so
    # that what is no IOS is asked for its version, and told by that, instead of being waited for.
    prompt=r"^[\w.\-/:+@~]+(?:\([\w.\-/:+]+\))?[>#$] ?$",
    failures=(
        r"^% Invalid input detected",
        r"^% Incomplete command",
        r"^% Ambiguous command",
        r"^% Unknown command",
        r"^(?:% ?)?(?:Command authorization|Authorization) failed",
        r"^% ?(?:This command is not authorized|Permission denied)",
    ),
    # 512 columns are the most it has; a vty with 'terminal monitor' would write its log into answers.
    prepare=("terminal length 0", "terminal width 511", "terminal no monitor"),
)

ACCOUNT = (
    "# one account for both: below level 15 a router shows a part of its configuration as if it were all",
    "configure terminal",
    "username sipalg privilege 15 secret <password>",
    "end",
    "# then save, which also saves what others have left unsaved: write memory",
)
AUDITS_ONLY = "# where TACACS+ authorizes commands, permit 'show' and 'terminal' to it, and nothing else"
SUPPORT = Support(
    versions=("IOS 12.4 to 15.9 and IOS-XE 3 to 17, as manuals and published configurations show them",),
    unverified=(
        "which 15.x releases refuse the line for TCP: there a change is taken back, and told why",
        "that 12.x has no SIP ALG for TCP: so its manuals say; a TCP line would show otherwise",
        "that IOS-XE's pool of SIP sessions is empty once their translations are cleared",
        "the words of 'clear ip nat translation' for an entry that has gone meanwhile",
        "translations in a VRF: they are neither listed nor cleared",
        "what 'configure confirm' says; whether it acted is asked of the router",
        "streams that may be calls: that the table of translations holds them is from manuals alone, and "
        "where calls may pass without one (VPN, VLANs, IPv6, voice on the router), none seen is not told as "
        "none",
        "what IOS-XE prints of an empty table; it counts as empty by 'show ip nat statistics' alone",
    ),
    account={"audit": (*ACCOUNT, AUDITS_ONLY), "change": ACCOUNT},
)

DRIVER = Driver(
    platform="cisco_ios",
    title="Cisco IOS and IOS-XE",
    aliases=("cisco_xe", "cisco_iosxe", "ios", "iosxe", "ios-xe", "cisco.ios.ios", "cisco.ios"),
    accesses={ACCESS: CLI},
    probes=PROBES,
    more_probes=more_probes,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=RELOAD,
    boot_probes=(VERSION,),
    boot_mark=boot_mark,
    rebooted=went_back,
    guard=GUARD,
    backup=(RUNNING,),
    streams=STREAMS,
    live_streams=live_streams,
    secrets=SECRETS,
    support=SUPPORT,
    hallmarks=hallmarks(CLI),
)
