"""What the tests of transports share: a store of keys in a folder of the test, and canaries in every log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_devices import CANARIES

from sipalg_fix.transports.ssh_keys import KeyStore


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    """An empty store, and a user without a known_hosts file."""
    return KeyStore(tmp_path / "state" / "host_keys", user_file=tmp_path / "known_hosts")


class Listening(logging.Handler):
    """Keeps every message of every library."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@pytest.fixture(autouse=True)
def no_secret_in_any_log(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test does: no canary in a log of any library at any level, and none printed."""
    listening = Listening()
    names = (None, "paramiko", "netmiko", "httpx", "httpcore", "routeros_api")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(listening)
        logger.setLevel(logging.DEBUG)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(listening)
        logger.setLevel(level)
    printed = capfd.readouterr()
    told = "\n".join([*listening.told, printed.out, printed.err])
    assert [canary for canary in CANARIES if canary in told] == []
    assert "Traceback" not in printed.err
