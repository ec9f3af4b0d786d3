"""How much a responder gives to whom: rates and sums, counted in memory that does not grow."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from sipalg_fix.wire.protocol import SENDS_MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All of a responder's limits; sizes in bytes, times in seconds."""

    sessions: int = 4096
    per_minute_address: int = 10
    """Sessions begun from one address within a minute."""
    per_minute_prefix: int = 50
    """The same for an IPv4 /24 or an IPv6 /48."""
    records: int = 160
    """Messages kept in a session."""
    memory: int = 64 * 1024 * 1024
    """Bytes of messages kept in all sessions together."""
    message: int = 4096
    """A longer message is not read."""
    stream: int = 16384
    """What is read from one TCP connection."""
    answers: int = 24
    """Answers to copies of one message."""
    challenges: int = 64
    """Cookies that one session may have sent to addresses that have not shown that they read them."""
    sends: int = SENDS_MOST
    """Messages that one session may ask for."""
    questions: int = 1000
    """Lines that a session may say on its control connection."""
    packets_per_second: int = 4000
    """Sent by all sessions together."""
    life: int = 30
    life_most: int = 900
    connections: int = 1024
    """TCP and TLS connections that are open at the same time, the control channel apart."""
    connections_address: int = 64
    """The same for one address."""
    controls_address: int = 32
    """Control connections that one address may have open."""
    reports: int = 1000
    """Reports kept, where a folder for them is given."""
    reports_bytes: int = 64 * 1024 * 1024
    reports_per_hour: int = 20
    """From one address."""
    patience: float = 5.0
    """How long a connection may take to show a token, and a TLS handshake to end."""


class Rate:
    """So many events in a second (or minute) on average, with as many at once."""

    def __init__(self, most: int, period: float) -> None:
        self._most = float(most)
        self._per_second = most / period
        self._left = float(most)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """One more? ``now`` is monotonic."""
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def is_full(self, now: float) -> bool:
        """Has nothing been taken for so long that forgetting it changes nothing?"""
        return self._left + max(0.0, now - self._at) * self._per_second >= self._most


class Rates:
    """A rate a key; at most ``keys`` are remembered, further ones are refused until some are full again."""

    def __init__(self, most: int, period: float, keys: int = 65536) -> None:
        self._most, self._period, self._keys = most, period, keys
        self._rates: dict[str, Rate] = {}

    def take(self, key: str, now: float) -> bool:
        """One more for this key?"""
        rate = self._rates.get(key)
        if rate is None:
            if len(self._rates) >= self._keys:
                self._rates = {name: kept for name, kept in self._rates.items() if not kept.is_full(now)}
            if len(self._rates) >= self._keys:
                return False
            rate = self._rates[key] = Rate(self._most, self._period)
        return rate.take(now)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._rates)


def prefix(address: str) -> str:
    """The network that an address is counted with: /24 of IPv4, /48 of IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


@lru_cache(maxsize=1024)
def plain_address(address: str) -> str:
    """IPv4 mapped into IPv6 is IPv4; no zone."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)
