"""An office of three: anna plans, bob and carla approve; eve has a key and is on no list."""

from __future__ import annotations

from pathlib import Path

import pytest

from .persons import Office, make_key


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """With real keys."""
    made = Office(tmp_path)
    made.enlist("anna@noc", "anna")
    made.enlist("bob@noc", "bob")
    made.enlist("carla@noc,c.diaz@noc", "carla", 'namespaces="sipalg-fix-plan"')
    make_key(made.key("eve"))
    return made
