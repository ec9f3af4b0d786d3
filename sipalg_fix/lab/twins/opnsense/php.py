"""
PHP on the virtual OPNsense: the classes Config and Siproxd\\General, once load_phalcon.php has been required.

Sources: opnsense/core, Config.php (lock reads the file anew, save writes all of it) and BaseModel.php (a
model is filled when it is made, and stands in the configuration only once it is serialized).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from sipalg_fix.lab.php.script import Function, Php
from sipalg_fix.lab.php.values import PhpError, Value, truth
from sipalg_fix.lab.twins.opnsense import model
from sipalg_fix.lab.twins.opnsense.box import Box
from sipalg_fix.lab.twins.opnsense.config import Settings

LOADER = "/usr/local/opnsense/mvc/script/load_phalcon.php"


@dataclass(slots=True, kw_only=True)
class Config:
    """The one instance: the configuration as it was read last."""

    box: Box
    loaded: Settings

    def get(self, name: str) -> Value:
        """It shows none."""
        raise PhpError(f"PHP Warning:  Undefined property: OPNsense\\Core\\Config::${name}")

    def call(self, name: str, arguments: list[Value]) -> Value:
        """``lock``, ``forceReload`` and ``save``."""
        match name:
            case "lock" | "forceReload":
                self.loaded = copy.deepcopy(self.box.config.settings)
                return self
            case "save":
                given = arguments[0] if arguments and isinstance(arguments[0], dict) else {}
                self.box.config.settings = copy.deepcopy(self.loaded)
                self.box.save(
                    str(given.get("username", "(root)")),
                    "",
                    description=str(given.get("description", "Standard input code made changes")),
                )
                return None
            case _:
                raise _undefined(f"OPNsense\\Core\\Config::{name}")


@dataclass(slots=True, kw_only=True)
class General:
    """The model of siproxd's settings."""

    config: Config
    settings: model.Settings

    def get(self, name: str) -> Value:
        """A field, which prints as its value."""
        if name not in self.settings:
            raise PhpError(f"PHP Warning:  Undefined property: OPNsense\\Siproxd\\General::${name}")
        return self.settings[name]

    def call(self, name: str, arguments: list[Value]) -> Value:
        """``setNodes`` and ``serializeToConfig``."""
        match name, arguments:
            case "setNodes", [dict() as given]:
                self.settings, _ = model.patched(self.settings, given)
            case "serializeToConfig", [*flags]:
                _, faults = model.patched(self.settings, {})
                if faults and not (len(flags) > 1 and truth(flags[1])):
                    said = "; ".join(f"[OPNsense\\Siproxd\\General:{at}] {why}" for at, why in faults.items())
                    raise PhpError(f"PHP Fatal error:  Uncaught OPNsense\\Base\\ValidationException: {said}")
                self.config.loaded.siproxd = dict(self.settings)
            case _:
                raise _undefined(f"OPNsense\\Siproxd\\General::{name}")
        return None


def _undefined(name: str) -> PhpError:
    return PhpError(f"PHP Fatal error:  Uncaught Error: Call to undefined method {name}()")


def run(box: Box, script: str, arguments: list[str]) -> tuple[str, int]:
    """What ``php -r`` prints, and its exit status."""
    php = Php(variables={"$argv": dict(enumerate(["Standard input code", *arguments]))})
    php.functions = {"require_once": lambda given: _required(box, php, str(given[0]))}
    try:
        status = php.run(script)
    except PhpError as why:
        return "".join(php.printed) + f"{why} in Command line code:1\n", 255
    return "".join(php.printed), status


def _required(box: Box, php: Php, path: str) -> Value:
    if path != LOADER:
        raise PhpError(f"PHP Fatal error:  Uncaught Error: Failed opening required '{path}'")
    config = Config(box=box, loaded=copy.deepcopy(box.config.settings))
    classes: dict[str, Function] = {"\\OPNsense\\Core\\Config::getInstance": lambda given: config}
    if box.plugin:
        classes["new \\OPNsense\\Siproxd\\General"] = lambda given: General(
            config=config, settings=dict(config.loaded.siproxd or {})
        )
    php.functions |= classes
    return True
