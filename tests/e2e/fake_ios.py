"""
FakeNOS as a process of its own, with further commands from a file: ``fake_ios.py PORT FILE``.

It runs until its standard input ends, and says ``ready`` when it listens. Its threads complain of clients
that leave without a word; that is not our tests' business.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fakenos import FakeNOS


def main(port: int, given: dict[str, object]) -> None:
    """Serve one IOS router on loopback."""
    host = {
        "username": "admin",
        "password": given["password"],
        "port": port,
        "platform": "cisco_ios",
        "nos": {"plugin": "cisco_ios", "configuration": {"commands": given["commands"]}},
    }
    nos = FakeNOS({"hosts": {"R1": host}})
    nos.start()
    print("ready", flush=True)
    sys.stdin.read()
    nos.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
