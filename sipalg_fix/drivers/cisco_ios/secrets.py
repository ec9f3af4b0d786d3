"""
Cisco IOS: which words of its answers are secrets.

A secret follows its keyword, perhaps after its kind (``0`` clear, ``5`` and later hashes, ``7`` reversible).
"""

from __future__ import annotations

import re

_KEYWORD = (
    r"(?:password|secret|passphrase|passwd|pre-shared-key|key-string|authentication-key|message-digest-key|"
    r"shared-secret|server-key|config-key password-encrypt|wpa-psk|psk|key|md5|sha|des|3des|aes(?: \d{3})?|"
    r"community|auth-phrase|pac key)"
)
_KIND = (
    r"(?:level \d+ |encrypted |ascii |hex |set-key |key-string |md5 |address \S+ (?:\d\S* )?key |"
    r"(?:local|remote) |\d{1,3} )*+"
)

SECRETS = (
    re.compile(rf"(?<![\w-]){_KEYWORD} {_KIND}(?P<secret>[^\s<]\S*)"),
    # snmp-server host 192.0.2.1 [traps|informs] [version 2c] COMMUNITY
    re.compile(
        r"snmp-server host \S+ (?:vrf \S+ )?(?:(?:traps|informs) )?(?:version (?:1|2c|3 \w+) )?"
        r"(?!version|traps|informs|vrf)(?P<secret>[^\s<]\S*)"
    ),
    # The plain forms of HSRP, VRRP and NHRP
    re.compile(
        r"(?:standby|vrrp|nhrp)(?: \d+)? authentication (?:text )?(?!md5 |text )(?P<secret>[^\s<]\S*)"
    ),
    # ftp://user:PASSWORD@host, as in 'archive' and 'boot'
    re.compile(r"://[^\s:/@]+:(?P<secret>[^\s@]+)@"),
)
