"""config.xml: a tree of arrays, as pfSense's parse_xml_config and dump_xml_config have it."""

from __future__ import annotations

import copy
from typing import Any
from xml.sax.saxutils import escape

from sipalg_fix.lab.twins.pfsense.options import Options

SECRET = {"password": "canary-vip"}


def first_config(name: str, options: Options) -> dict[str, Any]:
    """What somebody has set up."""
    system: dict[str, Any] = {
        "hostname": name,
        "user": {0: {"name": "admin", "bcrypt-hash": "$2y$10$abcdefghijklmnopqrstuv", "uid": "0"}},
    }
    if options.optimization:
        system["optimization"] = options.optimization
    if options.disablescrub:
        system["disablescrub"] = ""
    rules = {number: {"interface": "wan", "staticnatport": ""} for number in range(options.static_ports)}
    tree: dict[str, Any] = {
        "version": "22.9",
        "system": system,
        "nat": {
            "outbound": {"mode": "hybrid" if rules else "automatic", **({"rule": rules} if rules else {})}
        },
        "installedpackages": {},
    }
    if options.settings and options.package:
        values = {"if_inbound": "lan", "if_outbound": "wan", "port": options.port, "rtpenable": "1"}
        settings = {key: value for key, value in values.items() if value}
        if options.enabled is not None:
            settings = {"sipenable": "on" if options.enabled else "", **settings}
        tree["installedpackages"]["siproxdsettings"] = {"config": {0: settings}}
    if options.pair:
        tree["hasync"] = {
            "pfsyncenabled": "on",
            "synchronizetoip": options.pair,
            "username": "admin",
            "password": "canary-of-the-pair",
        }
    if options.pair or options.carp:
        vips = {
            number: {"mode": "carp", "vhid": str(number + 1), "subnet": f"192.168.1.{254 - number}", **SECRET}
            for number in range(len(options.carp) or 1)
        }
        tree["virtualip"] = {"vip": vips}
    return tree


def merge(sections: str) -> str:
    """What a revision says when another node's sections were merged (xmlrpc.php)."""
    return f"admin@192.168.1.2 (Local Database): Merged in config ({sections} sections) from XMLRPC client."


def revised(tree: dict[str, Any], description: str) -> dict[str, Any]:
    """The tree with what the file says of its last change."""
    return {**tree, "revision": {"time": "1795000000", "description": description}}


def xml(tree: dict[str, Any], root: str = "pfsense") -> str:
    """The file."""
    return f'<?xml version="1.0"?>\n<{root}>\n{_inner(tree, 1)}</{root}>\n'


def _inner(tree: dict[str, Any], depth: int) -> str:
    indent, text = "\t" * depth, ""
    for name, value in tree.items():
        for each in value.values() if isinstance(value, dict) and 0 in value else [value]:
            if isinstance(each, dict):
                text += f"{indent}<{name}>\n{_inner(each, depth + 1)}{indent}</{name}>\n"
            else:
                text += f"{indent}<{name}>{escape(str(each))}</{name}>\n"
    return text


def copied(tree: dict[str, Any]) -> dict[str, Any]:
    """Another one."""
    return copy.deepcopy(tree)
