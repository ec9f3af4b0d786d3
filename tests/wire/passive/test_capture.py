"""Captures of all kinds come to the same messages; what cannot be read is counted or refused."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from sipalg_fix.model.errors import CaptureError
from tests.wire.passive import packets
from tests.wire.passive.packets import (
    PUBLIC,
    SERVER,
    Blocks,
    cooked,
    cooked2,
    ethernet,
    fragments,
    fragments6,
    ip,
    pcap,
    pppoe,
    read,
    register,
    tcp,
    udp,
)

MESSAGE = register()
PACKET = udp(MESSAGE)
PACKET6 = udp(MESSAGE, "2001:db8::1", "2001:db8::2")


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (pcap([ethernet(PACKET)]), PUBLIC),
        (pcap([ethernet(PACKET)], big=True), PUBLIC),
        (pcap([ethernet(PACKET)], nano=True), PUBLIC),
        (pcap([ethernet(PACKET, 0x8100)]), PUBLIC),
        (pcap([ethernet(PACKET, 0x88A8, 0x8100)]), PUBLIC),
        (pcap([pppoe(PACKET)]), PUBLIC),
        (pcap([ethernet(PACKET) + b"padding"]), PUBLIC),
        (pcap([ethernet(PACKET6)]), "2001:db8::1"),
        (pcap([cooked(PACKET)], 113), PUBLIC),
        (pcap([cooked(PACKET6)], 113), "2001:db8::1"),
        (pcap([cooked2(PACKET)], 276), PUBLIC),
        (pcap([PACKET], 101), PUBLIC),
        (pcap([PACKET6], 101), "2001:db8::1"),
        (pcap([b"\x02\0\0\0" + PACKET], 0), PUBLIC),
        (Blocks().file([(0, ethernet(PACKET))]), PUBLIC),
        (Blocks(">").file([(0, ethernet(PACKET))]), PUBLIC),
        (Blocks().file([(1, cooked2(PACKET))], (1, 276)), PUBLIC),
        (gzip.compress(pcap([ethernet(PACKET)])), PUBLIC),
        (gzip.compress(Blocks().file([(0, ethernet(PACKET))])), PUBLIC),
        (pcap(map(ethernet, fragments(PACKET))), PUBLIC),
        (pcap(map(ethernet, reversed(fragments(PACKET)))), PUBLIC),
        (pcap(map(ethernet, fragments6(PACKET6))), "2001:db8::1"),
        (pcap([ethernet(ip(PACKET[20:], PUBLIC, SERVER, 17, flags=0x4000))]), PUBLIC),
    ],
)
def test_every_kind_of_capture_is_read(tmp_path: Path, content: bytes, source: str) -> None:
    """File format, link layer, IP version and fragments make no difference."""
    file = tmp_path / "a.pcap"
    file.write_bytes(content)
    (found,), not_read = read(file)
    assert (found.source, found.source_port, found.target_port, found.transport) == (
        source,
        5060,
        5060,
        "udp",
    )
    assert found.data == MESSAGE
    assert found.at == pytest.approx(1_764_000_000, abs=30)
    assert not not_read


def segments(data: bytes, size: int, first: int = 4_294_967_200) -> list[bytes]:
    """A connection, from its SYN to its FIN; numbers wrap around."""
    made = [tcp(b"", first - 1, 0x02)]
    made += [tcp(data[n : n + size], first + n) for n in range(0, len(data), size)]
    return [*made, tcp(b"", first + len(data), 0x11)]


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_messages_of_a_connection_are_told_apart(tmp_path: Path, size: int) -> None:
    """By Content-Length, wherever segments end, in any order, sent twice, with keep-alives between them."""
    body = MESSAGE.replace(b"Length: 0", b"Length: 4") + b"v=0\n"
    sent = segments(MESSAGE + b"\r\n\r\n" + body + MESSAGE, size)
    random.Random(1).shuffle(middle := sent[1:9])
    file = tmp_path / "a.pcap"
    file.write_bytes(pcap(map(ethernet, [sent[0], *middle, *middle, *sent[9:]])))
    found, not_read = read(file)
    assert [each.data for each in found] == [MESSAGE, body, MESSAGE]
    assert {each.transport for each in found} == {"tcp"}
    assert not not_read


def test_a_capture_may_begin_in_the_middle_of_a_connection(tmp_path: Path) -> None:
    """And may lack segments: reading goes on with the next message that begins with one."""
    lost = [tcp(b"of something\r\n", 5000), *(tcp(MESSAGE, 6000 + n * len(MESSAGE)) for n in range(40))]
    file = tmp_path / "a.pcap"
    file.write_bytes(pcap(map(ethernet, lost)))
    found, not_read = read(file)
    assert len(found) == 40
    assert not_read == {"pieces of TCP connections": 2}


def test_what_is_encrypted_cut_or_incomplete_is_counted(tmp_path: Path) -> None:
    """Not read, and said so."""
    frames = [tcp(b"\x16\x03\x01" + bytes(50), 1), *fragments(PACKET)[:-1]]
    file = tmp_path / "a.pcap"
    content = pcap([ethernet(each) for each in frames] + [ethernet(PACKET)[:100]])
    file.write_bytes(content[:-3])
    found, not_read = read(file)
    assert found == []
    assert not_read == {
        "encrypted connections": 1,
        "packets of which a fragment is missing": 1,
        "packets that the capture cut short": 1,
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "capture-format"),
        (b"hello, world, this is no capture at all", "capture-format"),
        (pcap([])[:20], "capture-format"),
        (pcap([ethernet(PACKET)], 147), "capture-format"),
        (b"\x1f\x8bjunk", "capture-unreadable"),
        (None, "capture-unreadable"),
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes | None, code: str) -> None:
    """Before anything is read, by name."""
    file = tmp_path / "a.pcap"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CaptureError, match=r"a\.pcap") as caught:
        read(file)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "content",
    [
        pcap([ethernet(PACKET)] * 3),
        Blocks().file([(0, ethernet(PACKET))] * 3),
        gzip.compress(pcap([ethernet(PACKET)] * 3)),
    ],
)
def test_a_capture_cut_anywhere_is_read_up_to_there(tmp_path: Path, content: bytes) -> None:
    """Never fails, and never says more than the whole does."""
    file = tmp_path / "a.pcap"
    for end in range(40, len(content), 13):
        file.write_bytes(content[:end])
        found, _ = read(file)
        assert [each.data for each in found] == [MESSAGE] * len(found)


def test_captures_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Files of two places become one sequence."""
    for name, source in (("a", PUBLIC), ("b", packets.PHONE)):
        (tmp_path / name).write_bytes(pcap([ethernet(udp(MESSAGE, source))] * 3))
    found, _ = read(tmp_path / "a", tmp_path / "b")
    assert [each.source for each in found] == [PUBLIC, packets.PHONE] * 3
