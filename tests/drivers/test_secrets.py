"""Secrets that stand in a reply do not leave the transport: canaries of every form are looked for."""

from __future__ import annotations

import pytest

from sipalg_fix.drivers import discover
from sipalg_fix.model.session import REDACTED, redact

CANARIES = {
    "cisco_ios": """\
enable secret 5 $1$CANARY
enable password CANARY
enable secret level 7 9 $9$CANARY
username admin privilege 15 secret 5 $1$CANARY
username bob password 7 CANARY
 password 7 CANARY
snmp-server community CANARY RO 10
snmp-server host 192.0.2.3 version 2c CANARY
snmp-server host 192.0.2.3 traps CANARY
snmp-server user u g v3 auth sha CANARY priv aes 128 CANARY
tacacs-server host 192.0.2.4 key 7 CANARY
 key 7 CANARY
radius-server key CANARY
 server-private 192.0.2.5 key CANARY
  key-string 7 CANARY
crypto isakmp key 6 CANARY address 192.0.2.9
  pre-shared-key address 192.0.2.9 key CANARY
  pre-shared-key local CANARY
 wpa-psk ascii 0 CANARY
 ppp chap password 0 CANARY
 ip ospf message-digest-key 1 md5 7 CANARY
 ip ospf authentication-key CANARY
 neighbor 192.0.2.8 password 7 CANARY
 standby 1 authentication CANARY
 standby 1 authentication md5 key-string CANARY
 ip nhrp authentication CANARY
 vrrp 1 authentication text CANARY
ntp authentication-key 1 md5 CANARY 7
ip ftp password 7 CANARY
 path ftp://bob:CANARY@192.0.2.6/backup
 authentication username bob password 7 CANARY
+username bob password 0 CANARY
""",
    "ubiquiti_edgeos": """\
set system login user ubnt authentication encrypted-password '$6$CANARY$CANARY'
set system login user ubnt authentication plaintext-password CANARY
set system login user bob authentication public-keys k key CANARY
set system login radius-server 192.0.2.1 secret 'CANARY two words'
set service snmp community CANARY authorization ro
set service unms connection 'wss://uisp.example.net:443+CANARY+allowUntrustedCertificate'
set service unms connection wss://uisp.example.net:443+CANARY
set vpn ipsec site-to-site peer 192.0.2.9 authentication pre-shared-secret CANARY
set vpn l2tp remote-access authentication local-users username bob password CANARY
set protocols ospf area 0 interface eth0 authentication md5 key-id 1 md5-key CANARY
set interfaces pppoe 0 password CANARY
set service dns dynamic interface eth0 service dyndns password CANARY
set service snmp v3 user u privacy plaintext-key CANARY
            encrypted-password $6$CANARY$CANARY
            plaintext-password "CANARY with blanks"
        community CANARY {
        secret CANARY
            pre-shared-secret CANARY
        connection wss://uisp.example.net:443+CANARY+allowSelfSignedCertificate
""",
    "mikrotik_routeros": """\
{"enabled": "true", "acs-url": "https://acs.example.net/", "username": "cpe", "password": "CANARY"}
{"connection-request-password": "CANARY", "name": "x"}
{"ipsec-secret":"CAN\\"CANARY","wpa2-pre-shared-key": "CANARY"}
""",
    "opnsense": """\
<user><name>root</name><password>$2y$CANARY</password><apikeys>CANARY</apikeys></user>
<ipsec><pre-shared-key>CANARY</pre-shared-key></ipsec><cert><prv>CANARY</prv></cert>
<ppp><ppp_password>CANARY</ppp_password></ppp><ldap_bindpw>CANARY</ldap_bindpw>
<radius_secret>CANARY</radius_secret><rocommunity>CANARY</rocommunity><Shared_Key>CANARY</Shared_Key>
{"user":{"password":"CANARY","api_secret": "CANARY"}}
""",
    "pfsense": """\
<user><name>admin</name><bcrypt-hash>CANARY</bcrypt-hash><sha512-hash>CANARY</sha512-hash></user>
<hasync><password>CANARY</password></hasync><phase1><pre-shared-key>CANARY</pre-shared-key></phase1>
<cert><prv>CANARY</prv></cert><openvpn-server><tls>CANARY</tls><shared_key>CANARY</shared_key></openvpn-server>
<authserver><ldap_bindpw>CANARY</ldap_bindpw><radius_secret>CANARY</radius_secret></authserver>
<snmpd><rocommunity>CANARY</rocommunity></snmpd><wpa><passphrase>CANARY</passphrase></wpa>
""",
    "openwrt": """\
\toption key 'CANARY'
\toption password 'CANARY two words'
wireless.@wifi-iface[0].key='CANARY'
wireless.cfg033579.sae_password='CANARY'
""",
    "ubiquiti_unifi": """\
{"key":"mgmt","x_ssh_username":"CANARY","x_ssh_password":"CAN\\"CANARY","x_ssh_sha512passwd":"$6$CANARY"}
{"key": "super_mgmt", "x_api_token": "CANARY", "x_mgmt_key": "CANARY"}
{"name":"wlan","x_passphrase":"CANARY two words","x_wep":"CANARY","security":"wpapsk"}
{"type":"udm","x_authkey":"CANARY","x_aes_gcm":true,"x_password":"CANARY","x_secrets":["CANARY","CANARY"]}
{"radius_secret":"CANARY","ipsec_psk":"CANARY","wireguard_private_key":"CANARY"}
""",
    "linux": """\
# password: CANARY
comment "psk=CANARY"
TOKEN = CANARY
""",
}
KEPT = {
    "cisco_ios": ("username admin privilege 15", "address 192.0.2.9", "server-private 192.0.2.5"),
    "ubiquiti_edgeos": ("set system login user ubnt", "192.0.2.1", "uisp.example.net"),
    "mikrotik_routeros": ("acs.example.net", '"name": "x"'),
    "opnsense": ("<name>root</name>", "</ipsec>"),
    "pfsense": ("<name>admin</name>", "</phase1>"),
    "openwrt": ("option key", "wireless.@wifi-iface[0]"),
    "ubiquiti_unifi": ('"key":"mgmt"', '"key": "super_mgmt"', '"x_aes_gcm":true', '"security":"wpapsk"'),
    "linux": ("comment",),
}


@pytest.mark.parametrize("platform", discover())
def test_no_canary_is_left(platform: str) -> None:
    """Each platform's patterns take out every secret that is planted, in each of its forms."""
    clean = redact(CANARIES[platform], discover()[platform].secrets)
    assert "CANARY" not in clean
    assert clean.count(REDACTED) >= CANARIES[platform].count("CANARY") // 2
    assert clean.count("\n") == CANARIES[platform].count("\n")


@pytest.mark.parametrize("platform", discover())
def test_the_rest_is_left(platform: str) -> None:
    """What is no secret is what a person needs to see which line it was."""
    clean = redact(CANARIES[platform], discover()[platform].secrets)
    assert [word for word in KEPT[platform] if word not in clean] == []
