"""No account is locked out, and no login server flooded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.transports.logins import ATTEMPTS, Logins

DOOR, OTHER = ("lab/r1", "ssh", "anna"), ("lab/r2", "ssh", "anna")
DENIED = DeviceError("access-denied", "no")


@dataclass(slots=True)
class Time:
    """Time that passes only when somebody waits."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Now."""
        return self.seconds

    def pause(self, seconds: float) -> None:
        """Later."""
        self.waits.append(seconds)
        self.seconds += seconds


def test_a_refused_login_is_tried_once_more_and_never_again() -> None:
    """At that host's access; another host's is another account."""
    logins = Logins()
    for _ in range(ATTEMPTS):
        logins.begin(DOOR, "x")
        logins.ended(DOOR, DENIED)
    with pytest.raises(DeviceError, match="not tried again") as caught:
        logins.begin(DOOR, "x")
    assert caught.value.code == "access-denied"
    logins.begin(OTHER, "x")


def test_one_that_was_let_in_has_all_attempts_again() -> None:
    """Other errors neither count nor clear."""
    logins = Logins()
    logins.ended(DOOR, DENIED)
    logins.ended(DOOR, None)
    logins.ended(DOOR, DENIED)
    logins.ended(DOOR, DeviceError("timeout", "silent"))
    logins.begin(DOOR, "x")
    logins.ended(DOOR, DENIED)
    with pytest.raises(DeviceError):
        logins.begin(DOOR, "x")


def test_logins_with_one_set_of_credentials_take_turns() -> None:
    """Two a second; those with others are not held up, and a pause uses up nothing."""
    time = Time()
    logins = Logins(per_second=2.0, now=time.now, pause=time.pause)
    for _ in range(4):
        logins.begin(DOOR, "anna")
    logins.begin(DOOR, "bert")
    assert time.waits == [0.5, 0.5, 0.5]
    time.seconds += 60.0
    logins.begin(DOOR, "anna")
    assert time.waits == [0.5, 0.5, 0.5]


def test_without_a_limit_nobody_waits() -> None:
    """Nor do threads that come at once get one turn twice."""
    time = Time()
    for _ in range(100):
        Logins(now=time.now, pause=time.pause).begin(DOOR, "anna")
    assert time.waits == []
    waits: list[float] = []
    logins = Logins(per_second=1.0, now=lambda: 0.0, pause=waits.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: logins.begin((n,), "anna"), range(8)))
    assert sorted(waits) == [float(n) for n in range(1, 8)]
