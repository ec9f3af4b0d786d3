"""Reports, plans and rows as real runs make them, and one full of what a hostile router might say."""

from __future__ import annotations

from datetime import date
from typing import Any

from sipalg_fix.model.assessment import Assessment, Exemption, Intent, assess
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, off, on, unknown
from sipalg_fix.model.host import AccessSettings, Host
from sipalg_fix.model.journal import START, Row, RunLine
from sipalg_fix.model.packets import Packets
from sipalg_fix.model.plan import Failure, GuardPlan, HostPlan, Plan
from sipalg_fix.model.report import HostError, HostResult, Report
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Amend, Disruption, Find, Objection, Remedy, Tell

TODAY = date(2026, 11, 23)
TOOL = "sipalg-fix 0.1.0"
HEAD = "sha256:" + "5d" * 32
FINGERPRINT = "sha256:" + "ab" * 32
LONG_AGO = Exemption(reason="old PBX needs it until it is replaced", until="2026-12-31")


def facts(platform: str, version: str, *helpers: Helper, why_not: str = "") -> Facts:
    """Facts with little typing."""
    return Facts(platform=platform, version=version, helpers=helpers, not_applicable=why_not)


def helper(name: str, running: Plane, startup: Plane, operational: Plane) -> Helper:
    """A helper with little typing."""
    return Helper(name=name, running=running, startup=startup, operational=operational)


EDGE_ON = facts(
    "ubiquiti_edgeos",
    "v2.0.9-hotfix.7",
    helper(
        "nf_nat_sip",
        on("no 'system conntrack modules sip disable' in 214 lines of configuration"),
        on("no 'disable' below sip in /config/config.boot"),
        on("nf_nat_sip              8853  0", "nf_conntrack_sip       21547  1 nf_nat_sip"),
    ),
)
EDGE_OFF = facts(
    "ubiquiti_edgeos",
    "v2.0.9-hotfix.7",
    helper(
        "nf_nat_sip",
        off("set system conntrack modules sip disable"),
        off("sip { disable }"),
        off("nf_conntrack is listed, nf_nat_sip is not"),
    ),
)
EDGE_LOADED = facts(
    "ubiquiti_edgeos",
    "v1.10.11",
    helper(
        "nf_nat_sip",
        off("set system conntrack modules sip disable"),
        off("sip { disable }"),
        on("nf_nat_sip              8853  2"),
    ),
)
ROUTEROS_OFF = facts(
    "mikrotik_routeros",
    "7.15.3 (stable)",
    helper("service-port sip", off("name=sip ports=5060,5061 disabled=true"), NO_PLANE, NO_PLANE),
)
ROUTEROS_ON = facts(
    "mikrotik_routeros",
    "6.49.17 (long-term)",
    helper("service-port sip", on("name=sip ports=5060,5061 disabled=false"), NO_PLANE, NO_PLANE),
)
IOS_UNSAVED = facts(
    "cisco_ios",
    "15.9(3)M9",
    helper(
        "udp 5060",
        off("no ip nat service sip udp port 5060"),
        on("no such line in startup-config"),
        off("no SIP entries"),
    ),
    helper(
        "tcp 5060",
        off("no ip nat service sip tcp port 5060"),
        on("no such line in startup-config"),
        off("no SIP entries"),
    ),
)
LINUX_UNREAD = facts(
    "openwrt",
    "23.05.5",
    helper(
        "nf_nat_sip",
        off("net.netfilter.nf_conntrack_helper = 0"),
        off("/etc/sysctl.d/99-sip.conf"),
        unknown("/proc/modules: Permission denied"),
    ),
)
OPNSENSE_NONE = facts("opnsense", "24.7.9", why_not="no SIP helper is in pf, and os-siproxd is not installed")


def seen(of: Facts, exempt: Exemption | None = None, packets: Plane | None = None) -> Assessment:
    """These facts against the usual intent."""
    more = {"packets": Packets(plane=packets)} if packets else {}
    return assess(of, Intent(), exempt=exempt, today=TODAY, **more)


def looked(
    name: str, site: str, of: Facts, exempt: Exemption | None = None, packets: Plane | None = None
) -> HostResult:
    """A host of an audit."""
    return HostResult(
        host=name,
        site=site,
        platform=of.platform,
        version=of.version,
        assessment=seen(of, exempt, packets),
        seconds=1.25,
    )


def failed(name: str, site: str, platform: str, code: str, message: str) -> HostResult:
    """A host that could not be looked at."""
    error = HostError(code=code, message=message)
    return HostResult(host=name, site=site, platform=platform, error=error, seconds=10.0)


def report(verb: str, hosts: tuple[HostResult, ...], stopped: str = "") -> Report:
    """A run of these hosts."""
    return Report(
        tool=TOOL,
        run=f"20261123-101500-{verb}-1f3a",
        verb=verb,
        started="2026-11-23T10:15:00+00:00",
        ended="2026-11-23T10:15:42+00:00",
        by="anna@noc-1",
        inventory="inventory/hosts.yaml",
        playbook="disable-sip-alg",
        fingerprint=FINGERPRINT if verb == "apply" else "",
        hosts=hosts,
        stopped=stopped,
        head=HEAD,
    )


AUDIT = report(
    "audit",
    (
        looked("edge-berlin-01", "berlin", EDGE_ON),
        looked("edge-berlin-02", "berlin", EDGE_LOADED),
        looked("gw-hamburg-01", "hamburg", ROUTEROS_OFF, packets=off("INVITE came out as it went in")),
        looked("gw-graz-01", "graz", ROUTEROS_ON, exempt=LONG_AGO),
        looked("rtr-wien-01", "wien", IOS_UNSAVED),
        looked("cpe-linz-07", "linz", LINUX_UNREAD),
        looked("fw-koeln-01", "koeln", OPNSENSE_NONE),
        failed(
            "edge-bern-01", "bern", "ubiquiti_edgeos", "unreachable",
            "192.0.2.61 port 22 did not answer within 10 seconds",
        ),
        failed(
            "rtr-zuerich-01", "zuerich", "cisco_ios", "not-understood",
            "show running-config: its last line is not 'end', so that absent lines prove nothing",
        ),
    ),
)  # fmt: skip

EDGE_SENT = (
    "configure",
    "set system conntrack modules sip disable",
    "commit-confirm 5",
    "confirm",
    "save",
    "exit",
    "sudo conntrack -D -p udp --dport 5060",
)


def changed(name: str, site: str, before: Facts, after: Facts | None, end: ChangeState) -> HostResult:
    """A host of an apply that got as far as being sent something."""
    return HostResult(
        host=name,
        site=site,
        platform=before.platform,
        version=before.version,
        assessment=seen(after or before),
        before=seen(before),
        change=end,
        done=EDGE_SENT if after else EDGE_SENT[:3],
        diff=("+set system conntrack modules sip disable",) if after else (),
        seconds=17.5,
    )


APPLY = report(
    "apply",
    (
        changed("edge-berlin-01", "berlin", EDGE_ON, EDGE_OFF, ChangeState.CONFIRMED),
        HostResult(
            host="edge-bonn-01", site="bonn", platform="ubiquiti_edgeos", version="v2.0.9-hotfix.7",
            assessment=seen(EDGE_ON), before=seen(EDGE_ON), change=ChangeState.ROLLED_BACK,
            done=(*EDGE_SENT[:3], "delete system conntrack modules sip disable", "commit", "confirm"),
            error=HostError(
                code="command-refused",
                message="the commands were accepted, but the SIP ALG is still on",
            ),
            seconds=31.0,
        ),
        HostResult(
            host="edge-ulm-01", site="ulm", platform="ubiquiti_edgeos", version="v2.0.9-hotfix.7",
            assessment=seen(EDGE_OFF), before=seen(EDGE_OFF), change=ChangeState.CONFIRMED,
            note="already as planned; nothing was sent", seconds=2.0,
        ),
        HostResult(
            host="rtr-wien-01", site="wien", platform="cisco_ios", version="15.9(3)M9",
            assessment=seen(IOS_UNSAVED), before=seen(IOS_UNSAVED), change=ChangeState.REFUSED,
            error=HostError(
                code="plan-drifted",
                message="the router is not as it was when the plan was made; plan again",
            ),
            seconds=2.0,
        ),
        HostResult(
            host="edge-jena-01", site="jena", platform="ubiquiti_edgeos", version="v2.0.9-hotfix.7",
            assessment=seen(EDGE_OFF), before=seen(EDGE_ON), change=ChangeState.GUARD_LEFT,
            done=EDGE_SENT[:4],
            findings=(
                Finding(code="guard-left", message="commit-confirm is still armed; it may still take the "
                        "change back"),
            ),
            seconds=20.0,
        ),
        HostResult(
            host="edge-kiel-01", site="kiel", platform="ubiquiti_edgeos", version="v2.0.9-hotfix.7",
            assessment=seen(EDGE_ON), before=seen(EDGE_ON), change=ChangeState.STRANDED,
            done=EDGE_SENT[:2],
            error=HostError(
                code="connection-lost",
                message="the connection ended while 'set system conntrack modules sip disable' was sent",
            ),
            seconds=74.0,
        ),
    ),
    stopped="2 of 6 routers could not be changed; the playbook stops at 1",
)  # fmt: skip

EVIL = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "<script>alert('sip')</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></style><style>body{display:none}",
    "{{ 7 * 7 }}{% raw %}",
    "[bold red]not markup[/]",
    "=cmd|' /C calc'!A0",
    "safe\u202egnp.exe\u2066",
    "line one\nline two\r\ttabbed\x00\x9b31m",
    "half \ud83d pair",
)


def hostile() -> Report:
    """A report in which every text that may come from outside is hostile."""
    parts = []
    for number, text in enumerate(EVIL):
        plane = on(text, f"+{text}")
        of = Facts(
            platform=text,
            version=text,
            helpers=(Helper(name=text, running=off(text), startup=plane, operational=unknown(text, text)),),
            findings=(Finding(code=text, message=text),),
        )
        parts.append(
            HostResult(
                host=f"{text}{number}", site=text, platform=text, version=text, before=seen(of),
                assessment=seen(of, Exemption(reason=text, until="2027-01-01")),
                error=HostError(code="not-understood", message=text) if number % 2 else None,
                change=ChangeState.CONFIRMED, findings=(Finding(code="x", message=text),),
                done=(text,), diff=(f"+{text}", text), note=text,
            )
        )  # fmt: skip
    text = " ".join(EVIL)
    return Report(
        tool=text, run=text, verb=text, started=text, ended=text, by=text, inventory=text, playbook=text,
        fingerprint=text, hosts=tuple(parts), stopped=text, interrupted=True, head=text,
        extra=((text, text),),
    )  # fmt: skip


def fleet(quiet: int) -> Report:
    """Many hosts as they shall be, and one of each other kind among them."""
    rest = tuple(looked(f"gw-{number:04}", "fleet", ROUTEROS_OFF) for number in range(quiet))
    return report("audit", (*rest[: quiet // 2], *AUDIT.hosts, *rest[quiet // 2 :]))


def tell(text: str, access: str = "cli") -> Tell:
    """A command that changes something."""
    return Tell(command=Command(access=access, text=text))


def host(name: str, site: str, platform: str) -> Host:
    """An inventory record."""
    return Host(
        name=name, site=site, platform=platform, accesses={"cli": AccessSettings(address="192.0.2.7")}
    )


EDGE_FORWARD = (
    tell("configure"),
    tell("set system conntrack modules sip disable"),
    tell("commit"),
    tell("exit"),
)
EDGE_INVERSE = (
    tell("configure"), tell("delete system conntrack modules sip disable"), tell("commit"), tell("exit"),
)  # fmt: skip
FLUSH = (tell("sudo conntrack -D -p udp --dport 5060"),)

EDGE_PLAN = HostPlan(
    host=host("edge-berlin-01", "berlin", "ubiquiti_edgeos"),
    facts=EDGE_ON,
    assessment=seen(EDGE_ON),
    remedy=Remedy(
        forward=EDGE_FORWARD,
        inverse=EDGE_INVERSE,
        save=(tell("save"),),
        resave=(tell("save"),),
        disruption=Disruption.NEW_CALLS,
        diff=("+set system conntrack modules sip disable",),
    ),
    guard=GuardPlan(
        name="commit-confirm",
        fires=Disruption.REBOOT,
        minutes=5,
        forward=(*EDGE_FORWARD[:2], tell("commit-confirm 5"), tell("exit")),
        keep=(tell("configure"), tell("confirm"), tell("exit")),
    ),
    flush=FLUSH,
    objections=(
        Objection(
            code="guard-reboots",
            message="unconfirmed for 5 minutes, commit-confirm restarts the router with calls on it",
        ),
    ),
    disruption=Disruption.NEW_CALLS,
)
ROUTEROS_PLAN = HostPlan(
    host=host("gw-graz-02", "graz", "mikrotik_routeros"),
    facts=ROUTEROS_ON,
    assessment=seen(ROUTEROS_ON),
    remedy=Remedy(
        forward=(
            Find(
                read=Command(access="api", text="/ip/firewall/service-port/print ?name=sip"),
                pick=r'"\.id":"(?P<id>[^"]+)"',
                then=tell("/ip/firewall/service-port/set =.id=<id> =disabled=yes", "api"),
            ),
        ),
        inverse=(
            Find(
                read=Command(access="api", text="/ip/firewall/service-port/print ?name=sip"),
                pick=r'"\.id":"(?P<id>[^"]+)"',
                then=tell("/ip/firewall/service-port/set =.id=<id> =disabled=no", "api"),
            ),
        ),
        disruption=Disruption.NEW_CALLS,
        diff=("-name=sip ports=5060,5061 disabled=false", "+name=sip ports=5060,5061 disabled=true"),
    ),
    disruption=Disruption.NEW_CALLS,
)
OPNSENSE_PLAN = HostPlan(
    host=host("fw-koeln-02", "koeln", "opnsense"),
    facts=facts(
        "opnsense", "24.7.9", helper("siproxd", on("siproxd is enabled"), NO_PLANE, on("siproxd is running"))
    ),
    assessment=seen(
        facts(
            "opnsense",
            "24.7.9",
            helper("siproxd", on("siproxd is enabled"), NO_PLANE, on("siproxd is running")),
        )
    ),
    remedy=Remedy(
        forward=(
            Amend(
                read=Command(access="rest", text="GET /api/siproxd/general/get"),
                pick="general",
                patch=(("enabled", '"0"'),),
                write=tell('POST /api/siproxd/general/set {"general":<object>}', "rest"),
            ),
        ),
        inverse=(
            Amend(
                read=Command(access="rest", text="GET /api/siproxd/general/get"),
                pick="general",
                patch=(("enabled", '"1"'),),
                write=tell('POST /api/siproxd/general/set {"general":<object>}', "rest"),
            ),
        ),
        disruption=Disruption.CALLS,
    ),
    reboot=(tell("POST /api/core/system/reboot", "rest"),),
    objections=(
        Objection(code="reboots", message="the change acts only after a restart; the plan ends with one"),
    ),
    disruption=Disruption.REBOOT,
)
IOS_PLAN = HostPlan(
    host=host("rtr-wien-01", "wien", "cisco_ios"),
    facts=IOS_UNSAVED,
    assessment=seen(IOS_UNSAVED),
    remedy=Remedy(save=(tell("copy running-config startup-config"),)),
)
STUCK_PLAN = HostPlan(
    host=host("usg-trier-01", "trier", "unifi_usg"),
    facts=EDGE_ON,
    assessment=seen(EDGE_ON),
    remedy=Remedy(
        impossible="this router is managed by a UniFi controller, which would undo the change; switch SIP "
        "off there: Settings, Routing & Firewall, Firewall, Settings"
    ),
)


def alone(name: str, of: Facts, exempt: Exemption | None = None) -> HostPlan:
    """A host to which nothing would be sent."""
    return HostPlan(
        host=host(name, "berlin", of.platform), facts=of, assessment=seen(of, exempt), remedy=Remedy()
    )


PLAN = Plan(
    tool=TOOL,
    run="20261123-100000-plan-77aa",
    made="2026-11-23T10:00:12+00:00",
    by="anna@noc-1",
    inventory="inventory/hosts.yaml",
    inventory_digest="sha256:" + "0c" * 32,
    playbook="disable-sip-alg\nintent: {sip_alg: off}\n",
    intent=Intent(),
    settings=(("forks", "10"), ("guard", '"auto"'), ("reboot", '"if_needed"')),
    hosts=(
        EDGE_PLAN,
        ROUTEROS_PLAN,
        OPNSENSE_PLAN,
        IOS_PLAN,
        STUCK_PLAN,
        *(alone(f"gw-hamburg-{number:02}", ROUTEROS_OFF) for number in range(1, 15)),
        alone("gw-graz-01", ROUTEROS_ON, LONG_AGO),
    ),
    failures=(Failure(host="edge-bern-01", code="unreachable", message="192.0.2.61 port 22 did not answer"),),
    accepted=("reboots",),
)

RUNS = (
    RunLine(
        run="20261123-101500-apply-1f3a", verb="apply", started="2026-11-23T10:15:00+00:00", ended="",
        by="anna@noc-1", hosts=6, exit_code=None,
    ),
    RunLine(
        run="20261123-100000-plan-77aa", verb="plan", started="2026-11-23T10:00:00+00:00",
        ended="2026-11-23T10:00:12+00:00", by="anna@noc-1", hosts=20, exit_code=2,
    ),
    RunLine(
        run="20261122-020000-audit-09c1", verb="audit", started="2026-11-22T02:00:00+00:00",
        ended="2026-11-22T03:04:05+00:00", by="timer@noc-1", hosts=4812, exit_code=0,
    ),
)  # fmt: skip


def rows() -> tuple[Row, ...]:
    """One host in two runs."""
    told: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("20261122-020000-audit-09c1", "looked", {"version": "v2.0.9", "assessment": {
            "state": "enabled", "verdict": "noncompliant"}}),
        ("20261122-020000-audit-09c1", "result", {"assessment": {
            "state": "enabled", "verdict": "noncompliant"}, "error": None}),
        ("20261123-101500-apply-1f3a", "planned", {"plan": {"assessment": {
            "state": "enabled", "verdict": "noncompliant"}}}),
        ("20261123-101500-apply-1f3a", "backup", {"command": "show configuration commands", "text": "…"}),
        ("20261123-101500-apply-1f3a", "state", {"state": "applying"}),
        ("20261123-101500-apply-1f3a", "sending", {"n": 1, "phase": "forward", "access": "cli",
            "command": "set system conntrack modules sip disable"}),
        ("20261123-101500-apply-1f3a", "replied", {"n": 1, "phase": "forward", "access": "cli",
            "command": "set system conntrack modules sip disable", "status": "ok",
            "text": "\x1b[7m[edit]\n"}),
        ("20261123-101500-apply-1f3a", "state", {"state": "stranded", "why": "connection-lost: it ended"}),
        ("20261123-101500-apply-1f3a", "said", {"what": "lease-lost", "expires": "2026-11-23T11:15:00Z"}),
        ("20261123-101500-apply-1f3a", "result", {"change": "stranded", "assessment": None, "error": {
            "code": "connection-lost", "message": "the connection ended"}}),
    )  # fmt: skip
    return tuple(
        Row(
            run=run, host="edge-kiel-01", seq=seq, at=f"2026-11-2{run[7]}T10:15:{seq:02}+00:00",
            by="anna@noc-1", step=step, payload=payload, prev=START, hash=HEAD,
        )
        for seq, (run, step, payload) in enumerate(told, start=2)
    )  # fmt: skip
