"""
Schemas: JSON Schemas of the operator's files, for editors and other tools.

They say of a file what can be said of it alone; whether a group exists or a platform is supported is
known only when it is read. ``python -m sipalg_fix.inputs.schemas [FOLDER]`` writes them all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from sipalg_fix.inputs.elements import Defaults, GroupsFile, HostsFile
from sipalg_fix.inputs.playbook import PlaybookFile

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
"""In a checkout: where the written ones are kept."""

_MODELS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "inventory": (HostsFile, "hosts.yaml of an inventory"),
    "groups": (GroupsFile, "groups.yaml of an inventory"),
    "defaults": (Defaults, "defaults.yaml of an inventory"),
    "playbook": (PlaybookFile, "a playbook"),
}
NAMES: Final = tuple(_MODELS)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of ``inventory`` (its hosts), ``groups``, ``defaults`` or ``playbook``."""
    model, title = _MODELS[name]
    made = _tidy(model.model_json_schema(), nulls=name != "playbook")
    return {"$schema": DIALECT, "$id": f"sipalg-fix/{name}/1", **made, "title": title}


def text(name: str) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def _tidy(made: Any, *, nulls: bool) -> Any:
    """Without pydantic's own titles and roundabout defaults; without ``null`` where it is no answer."""
    if isinstance(made, list):
        return [_tidy(item, nulls=nulls) for item in made]
    if not isinstance(made, dict):
        return made
    kept = {
        key: _tidy(item, nulls=nulls)
        for key, item in made.items()
        if not (key == "title" and isinstance(item, str))
        and not (key == "default" and (item is None or isinstance(item, dict)))
    }
    choices = kept.get("anyOf")
    if choices is not None and not nulls:
        kept["anyOf"] = [choice for choice in choices if choice != {"type": "null"}]
        if len(kept["anyOf"]) == 1:
            (only,) = kept.pop("anyOf")
            kept = {**only, **kept}
    return kept


def main(arguments: list[str]) -> None:
    """Write all schemas to a folder."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
