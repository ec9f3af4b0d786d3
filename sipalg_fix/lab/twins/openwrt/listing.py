"""
The rules of the firewall as the kernel's tools list them: ``nft -s list ruleset``, ``iptables-save``.

The words are those of fw4's template (ruleset.uc) as nftables 1.0.6 lists them, and of fw3's source as
iptables 1.8.9 saves them (both recorded by loading them).
"""

from __future__ import annotations

from sipalg_fix.lab.twins.openwrt.firewall import HelperKind, Loaded, Zone


def fw4_table(rules: Loaded) -> str:
    """The table ``inet fw4``, counters left out."""
    blocks = [_object(helper) for helper in rules.available]
    blocks += _main_chains(rules)
    for zone in rules.zones:
        blocks += _zone_chains(zone, rules)
    blocks.append(_base("dstnat", "nat hook prerouting", "dstnat", []))
    masks = [zone for zone in rules.zones if zone.masquerades]
    jumps = [_jump(zone, "oifname", "srcnat") for zone in masks]
    blocks.append(_base("srcnat", "nat hook postrouting", "srcnat", jumps))
    for zone in masks:
        line = f'meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 {zone.name} traffic"'
        blocks.append(_chain(f"srcnat_{zone.name}", [line]))
    for name, hook, priority in (
        ("raw_prerouting", "filter hook prerouting", "raw"),
        ("raw_output", "filter hook output", "raw"),
        ("mangle_prerouting", "filter hook prerouting", "mangle"),
        ("mangle_postrouting", "filter hook postrouting", "mangle"),
        ("mangle_input", "filter hook input", "mangle"),
        ("mangle_output", "route hook output", "mangle"),
        ("mangle_forward", "filter hook forward", "mangle"),
    ):
        blocks.append(_base(name, hook, priority, _clamps(rules) if name == "mangle_forward" else []))
    return "table inet fw4 {\n" + "\n".join(blocks) + "}\n"


def _object(helper: HelperKind) -> str:
    family = "ip" if helper.family == "ipv4" else "inet"
    return (
        f'\tct helper {helper.name} {{\n\t\ttype "{helper.name}" protocol {helper.protocol}\n'
        f"\t\tl3proto {family}\n\t}}\n"
    )


def _main_chains(rules: Loaded) -> list[str]:
    lines: dict[str, list[str]] = {}
    for chain, interface, what in (
        ("input", "iifname", "inbound"),
        ("forward", "iifname", "forwarded"),
        ("output", "oifname", "outbound"),
    ):
        towards = "towards" if chain == "output" else "from"
        flows = (
            f'ct state established,related accept comment "!fw4: Allow {what} established and related flows"'
        )
        loop = f'{interface} "lo" accept comment "!fw4: Accept traffic {towards} loopback"'
        found = [flows] if chain == "forward" else [loop, flows]
        found += [_jump(zone, interface, chain) for zone in rules.zones]
        place = ("input", "output", "forward").index(chain)
        lines[chain] = [*found, *(["jump handle_reject"] if rules.policies[place] == "reject" else [])]
    blocks = []
    for chain in ("input", "forward", "output"):
        policy = rules.policies[("input", "output", "forward").index(chain)]
        verdict = "accept" if policy == "accept" else "drop"
        blocks.append(_base(chain, f"filter hook {chain}", "filter", lines[chain], verdict))
    jumps = [
        f'iifname "{zone.device}" jump helper_{zone.name} '
        f'comment "!fw4: Handle {zone.name} IPv4/IPv6 helper assignment"'
        for zone in rules.zones
        if zone.helpers or zone.own
    ]
    blocks.append(_base("prerouting", "filter hook prerouting", "filter", jumps))
    rejects = [
        'meta l4proto tcp reject with tcp reset comment "!fw4: Reject TCP traffic"',
        'reject comment "!fw4: Reject any other traffic"',
    ]
    return [*blocks, _chain("handle_reject", rejects)]


def _zone_chains(zone: Zone, rules: Loaded) -> list[str]:
    into, out, through = zone.policies
    forwards = [
        f'jump accept_to_{dest} comment "!fw4: Accept {zone.name} to {dest} forwarding"'
        for source, dest in rules.forwards
        if source == zone.name
    ]
    blocks = [
        _chain(f"input_{zone.name}", [f"jump {into}_from_{zone.name}"]),
        _chain(f"output_{zone.name}", [f"jump {out}_to_{zone.name}"]),
        _chain(f"forward_{zone.name}", [*forwards, f"jump {through}_to_{zone.name}"]),
    ]
    if zone.helpers or zone.own:
        lines = [
            f'{_family(helper)}{helper.protocol} dport {helper.port} ct helper set "{helper.name}" '
            f'comment "!fw4: {helper.description}"'
            for helper in zone.helpers
        ]
        lines += [
            f'{_family(helper)}{helper.protocol} dport {port} counter ct helper set "{helper.name}" '
            f'comment "!fw4: {name}"'
            for name, port, helper in zone.own
        ]
        blocks.append(_chain(f"helper_{zone.name}", lines))
    wanted = {out, through, *(["accept"] if any(dest == zone.name for _, dest in rules.forwards) else [])}
    for verdict in ("accept", "reject", "drop"):
        does = "jump handle_reject" if verdict == "reject" else verdict
        said = f'comment "!fw4: {verdict} {zone.name} IPv4/IPv6 traffic"'
        if verdict == into:
            line = f'iifname "{zone.device}" counter {does} {said}'
            blocks.append(_chain(f"{verdict}_from_{zone.name}", [line]))
        if verdict in wanted:
            leak = (
                f'meta nfproto ipv4 oifname "{zone.device}" ct state invalid counter drop '
                'comment "!fw4: Prevent NAT leakage"'
            )
            lines = [leak] if verdict == "accept" and zone.masquerades else []
            lines.append(f'oifname "{zone.device}" counter {does} {said}')
            blocks.append(_chain(f"{verdict}_to_{zone.name}", lines))
    return blocks


def _family(helper: HelperKind) -> str:
    return "meta nfproto ipv4 " if helper.family == "ipv4" else ""


def _jump(zone: Zone, interface: str, chain: str) -> str:
    said = f'comment "!fw4: Handle {zone.name} IPv4/IPv6 {chain} traffic"'
    return f'{interface} "{zone.device}" jump {chain}_{zone.name} {said}'


def _clamps(rules: Loaded) -> list[str]:
    return [
        f'{interface} "{zone.device}" tcp flags syn / fin,syn,rst tcp option maxseg size set rt mtu '
        f'comment "!fw4: Zone {zone.name} IPv4/IPv6 {way} MTU fixing"'
        for zone in rules.zones
        if zone.clamps
        for interface, way in (("iifname", "ingress"), ("oifname", "egress"))
    ]


def _base(name: str, hook: str, priority: str, lines: list[str], policy: str = "accept") -> str:
    return _chain(name, [f"type {hook} priority {priority}; policy {policy};", *lines])


def _chain(name: str, lines: list[str]) -> str:
    return f"\tchain {name} {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}\n"


def fw3_save(rules: Loaded, when: str, family: str) -> str:
    """What iptables-save prints: the table raw with the helpers, and what else fw3 makes, in short."""
    head, tail = f"# Generated by {family}-save v1.8.7 on {when}\n", f"# Completed on {when}\n"
    zones = [zone for zone in rules.zones if zone.helpers or zone.own]
    raw = "".join(f":zone_{zone.name}_helper - [0:0]\n" for zone in zones)
    for zone in zones:
        said = f'-m comment --comment "!fw3: {zone.name} CT helper assignment"'
        raw += f"-A PREROUTING -i {zone.device} {said} -j zone_{zone.name}_helper\n"
    for zone in zones:
        wanted = [(helper.description, str(helper.port), helper) for helper in zone.helpers] + zone.own
        for name, port, helper in wanted:
            if family == "ip6tables" and helper.family == "ipv4":
                continue
            raw += (
                f'-A zone_{zone.name}_helper -p {helper.protocol} -m comment --comment "!fw3: {name}" '
                f"-m {helper.protocol} --dport {port} -j CT --helper {helper.name}\n"
            )
    text = f"{head}*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{raw}COMMIT\n{tail}"
    text += f"{head}*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    text += "".join(f":zone_{zone.name}_input - [0:0]\n" for zone in rules.zones)
    for zone in rules.zones:
        text += f'-A INPUT -i {zone.device} -m comment --comment "!fw3" -j zone_{zone.name}_input\n'
    return f"{text}COMMIT\n{tail}"
