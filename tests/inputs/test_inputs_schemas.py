"""The JSON Schemas are those of the readers, and say yes to what the readers read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sipalg_fix.inputs.schemas import FOLDER, NAMES, main, schema, text

ROOT = Path(__file__).parents[2]


class Yaml12(yaml.SafeLoader):
    """What editors take for a value: YAML 1.2's core schema, where only true and false are booleans."""


CORE = {f"tag:yaml.org,2002:{tag}" for tag in ("int", "float", "null")}
Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in CORE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def says_yes(name: str, document: Any) -> bool:
    """Does a schema accept a document?"""
    return bool(jsonschema.Draft202012Validator(schema(name)).is_valid(document))


@pytest.mark.parametrize("name", NAMES)
def test_written_schemas_are_current(name: str) -> None:
    """``python -m sipalg_fix.inputs.schemas`` was run after the last change."""
    written = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert written == text(name), "stale: python -m sipalg_fix.inputs.schemas"


def test_the_generator_writes_them_all(tmp_path: Path) -> None:
    """Into any folder, which it makes."""
    main([str(tmp_path / "new")])
    assert {path.name for path in (tmp_path / "new").iterdir()} == {f"{name}.json" for name in NAMES}
    assert json.loads((tmp_path / "new" / "playbook.json").read_text()) == schema("playbook")


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_schemas(name: str) -> None:
    """Of the dialect that they name."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("inventory", "inventory/hosts.yaml"),
        ("groups", "inventory/groups.yaml"),
        ("defaults", "inventory/defaults.yaml"),
        ("playbook", "playbooks/audit.yaml"),
        ("playbook", "playbooks/disable-sip-alg.yaml"),
        ("playbook", "playbooks/fleet.yaml"),
    ],
)
def test_examples_fit_their_schema(name: str, file: str) -> None:
    """As an editor reads them."""
    document = yaml.load((ROOT / file).read_text(encoding="utf-8"), Loader=Yaml12)  # noqa: S506 - a SafeLoader
    jsonschema.Draft202012Validator(schema(name)).validate(document)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("inventory", {"r1": {"hostnme": "192.0.2.1"}}),
        ("inventory", {"r1": {"port": 70000}}),
        ("inventory", {"r1": {"connection_options": {"cli": {"extras": {"enable": "x"}}}}}),
        ("inventory", {"r1": {"groups": "berlin"}}),
        ("defaults", {"groups": ["berlin"]}),
        ("playbook", {"name": "no version"}),
        ("playbook", {"version": 1, "rollout": {"serial": ["0"]}}),
        ("playbook", {"version": 1, "probes": [{"select": "r1", "local": True}]}),
        ("playbook", {"version": 1, "probes": [{"select": "r1", "command": "x", "ssh": {"hostname": "r"}}]}),
        ("playbook", {"version": 1, "how": {"reboot": "soon"}}),
        ("playbook", {"version": 1, "select": None}),
        ("playbook", {"version": 1, "intent": {"sip_alg": "on"}}),
        ("playbook", {"version": 1, "intent": {"planes": []}}),
        ("playbook", {"version": 1, "exempt": [{"select": "r1", "reason": "x"}]}),
    ],
)
def test_schemas_say_no(name: str, document: Any) -> None:
    """To misspelt keys, wrong shapes and values beyond the bounds."""
    assert not says_yes(name, document)
