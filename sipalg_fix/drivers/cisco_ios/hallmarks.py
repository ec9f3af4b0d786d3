"""
Cisco IOS: by what a router shows that it is one.

Its SSH server names itself ``Cisco`` (so do those of Cisco's other systems), serves one session a
connection, and knows a command line with a prompt and nothing else: so it is asked there.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers.cisco_ios.identity import identity
from sipalg_fix.drivers.cisco_ios.probes import ACCESS, RELEASE, VERSION
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import SshCli, Transcript

PROMPT = re.compile(r"^[\w.\-/:+]+[>#] ?$")


def shown(seen: Transcript) -> tuple[str, ...]:
    """The prompt, and what ``show version`` begins with in an answer that is whole."""
    reply = seen.get(VERSION)
    try:
        identity(seen)
    except NotUnderstood:
        return ()
    if reply is None or not PROMPT.match(reply.prompt):
        return ()
    found = (re.search(rf"{pattern}.*$", reply.text, re.MULTILINE) for pattern in RELEASE)
    return (f"prompt {reply.prompt.strip()}", next(match[0] for match in found if match))


def hallmarks(cli: SshCli) -> Hallmarks:
    """By this way of talking to it."""
    greeting = re.compile(r"^SSH-(?:2\.0|1\.99)-Cisco-")
    return Hallmarks(access=ACCESS, by=cli, greeting=greeting, questions=(VERSION,), shown=shown)
