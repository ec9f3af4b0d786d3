"""The real router is what the lab says it is: the kernel's own ALG, reached by real SSH."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import paramiko
import pytest

from sipalg_fix.drivers._calls import live_streams
from sipalg_fix.drivers.linux.probes import STREAMS
from sipalg_fix.lab import realrouter
from sipalg_fix.lab.realrouter import ALG, FAR, PHONE, ROUTER_WAN, RealRouter, options
from sipalg_fix.lab.sshd import SshDoor
from sipalg_fix.model.session import Reply, Transcript
from tests.real.conftest import need

pytestmark = pytest.mark.root

REGISTER = (
    "REGISTER sip:{far} SIP/2.0\r\n"
    "Via: SIP/2.0/{transport} {phone}:{port};branch=z9hG4bK1;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:100@{far}>;tag=1\r\n"
    "To: <sip:100@{far}>\r\n"
    "Call-ID: {port}@{phone}\r\n"
    "CSeq: 1 REGISTER\r\n"
    "Contact: <sip:100@{phone}:{port}>\r\n"
    "Expires: 600\r\n"
    "Content-Length: 0\r\n\r\n"
)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 {phone}\r\ns=-\r\nc=IN IP4 {phone}\r\nt=0 0\r\n"
    "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
INVITE = (
    "INVITE sip:200@{far} SIP/2.0\r\n"
    "Via: SIP/2.0/{transport} {phone}:{port};branch=z9hG4bK2;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:100@{phone}:{port}>;tag=2\r\n"
    "To: <sip:200@{far}>\r\n"
    "Call-ID: invite-{port}@{phone}\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:100@{phone}:{port}>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: {length}\r\n\r\n"
)


def register(port: int, transport: str = "UDP") -> bytes:
    return REGISTER.format(far=FAR[0], phone=PHONE[0], port=port, transport=transport).encode()


def invite(port: int) -> bytes:
    sdp = SDP.format(phone=PHONE[0])
    head = INVITE.format(far=FAR[0], phone=PHONE[0], port=port, transport="UDP", length=len(sdp))
    return (head + sdp).encode()


def login(door: SshDoor, directory: Path, password: str | None = None) -> paramiko.SSHClient:
    known = directory / "known_hosts"
    known.write_text(door.known_hosts)
    client = paramiko.SSHClient()
    client.load_host_keys(str(known))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        door.host,
        door.port,
        door.user,
        password,
        key_filename=None if password else str(door.key_file),
        allow_agent=False,
        look_for_keys=False,
        timeout=20,
    )
    return client


def tell(client: paramiko.SSHClient, command: str) -> str:
    _, out, err = client.exec_command(command, timeout=20)
    text = out.read().decode()
    status = out.channel.recv_exit_status()
    assert status == 0, f"{command}: {status}: {err.read().decode()}"
    return text


@pytest.fixture
def session(router: RealRouter, tmp_path: Path) -> Iterator[paramiko.SSHClient]:
    with login(router.ssh, tmp_path) as client:
        yield client


def test_the_kernel_rewrites_a_register_and_an_invite(router: RealRouter) -> None:
    """While the helper rule exists, private addresses in headers and SDP become the router's."""
    registered = router.send_from_phone(register(5060), 5060, 5060)
    invited = router.send_from_phone(invite(5062), 5062, 5060)

    assert registered is not None
    assert f"Via: SIP/2.0/UDP {ROUTER_WAN}:5060;".encode() in registered
    assert f"Contact: <sip:100@{ROUTER_WAN}:5060>".encode() in registered
    assert invited is not None
    assert f"c=IN IP4 {ROUTER_WAN}\r\n".encode() in invited
    body = invited.partition(b"\r\n\r\n")[2]
    assert f"Content-Length: {len(body)}\r\n".encode() in invited
    assert len(body) == len(SDP.format(phone=ROUTER_WAN))


def test_tcp_is_rewritten_too(router: RealRouter) -> None:
    """The helper works on TCP segments as on datagrams."""
    sent = register(5070, "TCP")

    arrived = router.send_from_phone(sent, 5070, 5060, transport="tcp")

    assert arrived == sent.replace(f"{PHONE[0]}:5070".encode(), f"{ROUTER_WAN}:5070".encode())


def test_another_port_is_left_alone(router: RealRouter) -> None:
    """The negative control in the same router: the rule names port 5060 and no other."""
    assert router.send_from_phone(register(5060), 5060, 5080) == register(5060)


def test_without_the_rule_new_flows_are_clean_and_old_ones_are_not(
    router: RealRouter, session: paramiko.SSHClient
) -> None:
    """Deleting the rule over SSH frees fresh ports at once, and an old flow only after conntrack -D."""
    before = router.send_from_phone(register(5060), 5060, 5060)

    tell(session, "nft delete table ip alg")
    fresh = router.send_from_phone(register(40001), 40001, 5060)
    old = router.send_from_phone(register(5060), 5060, 5060)
    marked = [flow for flow in router.flows() if "helper=sip" in flow]
    tell(session, "conntrack -D -p udp --dport 5060")
    after = router.send_from_phone(register(5060), 5060, 5060)

    assert before != register(5060)
    assert fresh == register(40001)
    assert old == before
    assert ["sport=5060 dport=5060" in flow for flow in marked] == [True]
    assert after == register(5060)
    assert "ct helper" not in router.ruleset()


def test_what_the_file_says_comes_back_with_a_restart(
    router: RealRouter, session: paramiko.SSHClient
) -> None:
    """A rule deleted only from the kernel is back after a restart; one deleted from the file is not."""
    router.send_from_phone(register(5060), 5060, 5060)
    tell(session, "nft delete table ip alg")
    router.restart()
    unsaved = router.ruleset()
    (router.etc / "nftables.conf").write_text((router.etc / "nftables.conf").read_text().replace(ALG, ""))
    router.restart()

    assert "ct helper set" in unsaved
    assert "ct helper" not in router.ruleset()
    assert not any("helper=sip" in flow for flow in router.flows())


def test_a_password_opens_the_door_and_a_wrong_one_does_not(router: RealRouter, tmp_path: Path) -> None:
    """Password login is real: it is checked by sshd against the router's own shadow file."""
    with login(router.ssh, tmp_path, password=router.ssh.password) as client:
        assert tell(client, "id -un") == "root\n"
    with pytest.raises(paramiko.AuthenticationException):
        login(router.ssh, tmp_path, password="not-" + router.ssh.password)


def test_another_host_key_is_noticed(router: RealRouter, tmp_path: Path) -> None:
    """The announced host key is the server's: with another one, a strict client refuses."""
    other = paramiko.RSAKey.generate(2048).get_base64()
    wrong = SshDoor(
        host=router.ssh.host,
        port=router.ssh.port,
        user="root",
        password="",
        key_file=router.ssh.key_file,
        host_key=f"ssh-rsa {other}",
    )
    with pytest.raises(paramiko.SSHException, match=r"not found in known_hosts|does not match"):
        login(wrong, tmp_path)


def test_the_machine_outside_is_out_of_reach(session: paramiko.SSHClient) -> None:
    """A session sees its own files and cannot change this machine's, nor its kernel."""
    tell(session, "echo mine > /etc/nftables.conf.new && mv /etc/nftables.conf.new /etc/marker")

    assert not Path("/etc/marker").exists()
    tell(session, "! touch /usr/marker 2>/dev/null")
    tell(session, "! sysctl -w kernel.panic=1 2>/dev/null")
    # Bit 16 is CAP_SYS_MODULE (linux/capability.h).
    capabilities = int(tell(session, "sed -n 's/^CapBnd:\t//p' /proc/self/status"), 16)
    assert capabilities >> 16 & 1 == 0


def test_nothing_is_left_behind(tmp_path: Path, router: RealRouter) -> None:
    """The wires are no interfaces of this machine, and closing ends the processes that a session left."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    with login(router.ssh, tmp_path) as client:
        tell(client, "setsid sleep 98765 >/dev/null 2>&1 &")
        running = _sleepers()
        router.restart()

    assert "lan" not in links
    assert len(running) == 1
    assert _sleepers() == []


def _sleepers() -> list[str]:
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                line = (each / "cmdline").read_bytes()
            except OSError:
                continue
            if line == b"sleep\x0098765\x00":
                found.append(os.path.basename(each))
    return found


def test_a_killed_lab_leaves_nothing_behind(tmp_path: Path) -> None:
    """When whoever started a router is killed, its SSH server and all that runs in it end too."""
    need(realrouter.availability())
    script = (
        "import sys, time; from pathlib import Path; from sipalg_fix.lab.realrouter import RealRouter\n"
        "with RealRouter(Path(sys.argv[1])) as router:\n"
        "    print(router.process, flush=True); time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        family = os.pidfd_open(int(lab.stdout.readline()))
        lab.kill()
        ended, _, _ = select.select([family], [], [], 20)
        os.close(family)

    assert ended


def test_options_is_a_message_the_alg_acts_on(router: RealRouter) -> None:
    """The message of the controls is altered by the ALG in Via, From and Contact, and nowhere else."""
    arrived = router.send_from_phone(options(40000), 40000, 5060)

    assert arrived == options(40000).replace(f"{PHONE[0]}:40000".encode(), f"{ROUTER_WAN}:40000".encode())


def test_a_stream_that_no_helper_follows_is_seen_while_it_lasts(
    router: RealRouter, session: paramiko.SSHClient
) -> None:
    """Two-way packets between ports that audio may have count as one stream; between others they do not."""
    with ExitStack() as opened:
        pairs = []
        for own, far in ((40000, 20000), (40010, 443)):
            there = opened.enter_context(router.far.socket(socket.AF_INET, socket.SOCK_DGRAM))
            here = opened.enter_context(router.phone.socket(socket.AF_INET, socket.SOCK_DGRAM))
            there.bind((FAR[0], far))
            here.bind((PHONE[0], own))
            for end in (here, there):
                end.settimeout(5.0)
            pairs.append((here, there))
        number = streams(session)
        assert number == 0
        late = time.monotonic() + 20.0
        while number == 0 and time.monotonic() < late:
            for here, there in pairs:
                here.sendto(b"\x80" * 172, there.getsockname())
                _, back = there.recvfrom(2000)
                there.sendto(b"\x80" * 172, back)
                here.recvfrom(2000)
            number = streams(session)
        assert number == 1
        while number and time.monotonic() < late:
            number = streams(session)
        assert number == 0


def streams(session: paramiko.SSHClient) -> int | None:
    reply = Reply(command=STREAMS, text=tell(session, STREAMS.text))
    return live_streams(Transcript(replies=(reply,)), STREAMS)
