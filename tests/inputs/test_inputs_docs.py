"""What the reference pages show can be copied: it is read without a complaint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipalg_fix.cli.scene import platform_shapes
from sipalg_fix.inputs.elements import Element, Extras, Options
from sipalg_fix.inputs.inventory import read_inventory
from sipalg_fix.inputs.playbook import (
    RESERVED,
    ExemptBlock,
    HowBlock,
    IntentBlock,
    PlaybookFile,
    read_playbook,
)

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
INVENTORY = (REFERENCE / "inventory.md").read_text(encoding="utf-8")
PLAYBOOK = (REFERENCE / "playbook.md").read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    """The YAML on a page."""
    return re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks(INVENTORY))
def test_inventories_on_the_page_are_inventories(tmp_path: Path, text: str) -> None:
    """Each is a whole file of hosts, without a warning."""
    (tmp_path / "hosts.yaml").write_text(text, encoding="utf-8")
    inventory = read_inventory(tmp_path, platform_shapes())
    assert inventory.hosts
    assert inventory.warnings == ()


def test_the_playbook_on_the_page_is_a_playbook(tmp_path: Path) -> None:
    """A whole one."""
    (text,) = blocks(PLAYBOOK)
    (tmp_path / "book.yaml").write_text(text, encoding="utf-8")
    assert read_playbook(tmp_path / "book.yaml").overrides


@pytest.mark.parametrize("key", sorted({*Element.model_fields, *Options.model_fields, *Extras.model_fields}))
def test_every_key_of_an_inventory_is_on_its_page(key: str) -> None:
    """As code, so that it can be found."""
    assert re.search(rf"`(extras\.)?{key}`", INVENTORY), key


@pytest.mark.parametrize(
    "key",
    sorted(
        {*PlaybookFile.model_fields, *HowBlock.model_fields, *ExemptBlock.model_fields, *RESERVED}
        | {f"intent.{key}" for key in IntentBlock.model_fields}
    ),
)
def test_every_key_of_a_playbook_is_on_its_page(key: str) -> None:
    """The reserved ones, too."""
    assert f"`{key}`" in PLAYBOOK or f"`{key}." in PLAYBOOK, key
