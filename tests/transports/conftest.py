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


@pytest.fixture(autouse=True)
def no_secret_in_any_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """Whatever a test does: no canary in a log of any library at any level, and none printed."""
    libraries = [
        logging.getLogger(name) for name in ("paramiko", "netmiko", "httpx", "httpcore", "routeros_api")
    ]
    caplog.set_level(logging.DEBUG)
    for library in libraries:
        library.addHandler(caplog.handler)
        library.setLevel(logging.DEBUG)
    yield
    for library in libraries:
        library.removeHandler(caplog.handler)
        library.setLevel(logging.NOTSET)
    printed = capfd.readouterr()
    told = caplog.text + printed.out + printed.err
    assert [canary for canary in CANARIES if canary in told] == []
    assert "Traceback" not in printed.err
