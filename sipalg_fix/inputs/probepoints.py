"""
Probe points: from where packets are sent, as a playbook says it.

A playbook's text goes into every plan, so that a secret in it would go along: only references are taken.
"""

from __future__ import annotations

import os.path
import shlex
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from sipalg_fix.inputs import codes, fields
from sipalg_fix.inputs.elements import Address, Login, Port
from sipalg_fix.model.host import AccessSettings, ProbePoint, SecretRef

MAX_SECONDS: Final = 900
"""A probe that also measures how long idle mappings live takes ten minutes."""
SSH_PORT: Final = 22
STRICT: Final = ConfigDict(strict=True, extra="forbid", frozen=True)


def _command(value: str) -> str:
    try:
        words = shlex.split(value)
    except ValueError:
        raise fields.refusal(codes.PROBE_COMMAND, "has a quotation mark too many, or too few") from None
    if not words or not value.isprintable():
        raise fields.refusal(codes.PROBE_COMMAND, "must be one line with a command in it")
    return value


def _password(value: SecretStr) -> SecretStr:
    if not fields.is_reference(value.get_secret_value()):
        message = (
            "stands in the playbook itself, whose text goes into every plan; write env:NAME, file:PATH or ask"
        )
        raise fields.refusal(codes.PROBE_LOGIN, message)
    return fields.secret(value)


Command = Annotated[str, AfterValidator(_command)]
Words = Annotated[str, AfterValidator(fields.line_of_text(codes.BAD_TEXT))]
Password = Annotated[SecretStr, AfterValidator(_password)]
Switch = Annotated[bool, BeforeValidator(fields.switch(codes.BAD_CHOICE))]
Seconds = Annotated[
    float, Field(gt=0, le=MAX_SECONDS), BeforeValidator(fields.seconds(codes.OUT_OF_RANGE, MAX_SECONDS))
]


class SshBlock(BaseModel):
    """How a probe point is reached."""

    model_config = STRICT

    hostname: Address = Field(description="IP address or DNS name.")
    port: Port = SSH_PORT
    username: Login
    password: Password | None = Field(
        default=None, description="env:NAME, file:PATH or ask; or the passphrase of the key."
    )
    key_file: Words | None = Field(
        default=None, description="SSH private key; relative paths start at this file."
    )

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.password is None and self.key_file is None:
            raise fields.refusal(codes.PROBE_LOGIN, "needs a 'key_file' or a 'password' to log in with")
        return self


class PointBlock(BaseModel):
    """A computer behind routers, and the command that probes from there."""

    model_config = STRICT

    command: Command = Field(
        description="Run there; it answers as 'sipalg-fix probe --output json' does, and in its exit code."
    )
    ssh: SshBlock | None = Field(default=None, description="How it is reached, if it is another computer.")
    local: Switch = Field(default=False, description="It is the computer on which sipalg-fix itself runs.")
    seconds: Seconds = Field(default=20.0, description="Hard deadline, the login included.")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.local == (self.ssh is not None):
            raise fields.refusal(codes.PROBE_PLACE, "needs either 'ssh' or 'local: true', and not both")
        return self


def point_of(block: PointBlock, playbook: Path) -> ProbePoint:
    """The probe point; paths in it start from the playbook's folder."""
    return ProbePoint(
        command=block.command,
        ssh=_settings(block.ssh, playbook, block.seconds) if block.ssh else None,
        seconds=block.seconds,
    )


def _settings(ssh: SshBlock, playbook: Path, seconds: float) -> AccessSettings:
    return AccessSettings(
        address=ssh.hostname,
        port=ssh.port,
        username=ssh.username,
        password=_reference(ssh, playbook),
        key_file=_absolute(ssh.key_file, playbook) if ssh.key_file else "",
        seconds=seconds,
    )


def _reference(ssh: SshBlock, playbook: Path) -> SecretRef | None:
    if ssh.password is None:
        return None
    text = ssh.password.get_secret_value()
    if text == "ask":
        return SecretRef(text=f"ask:password of the probe point {ssh.username}@{ssh.hostname}")
    if text.startswith("file:"):
        return SecretRef(text="file:" + _absolute(text.removeprefix("file:"), playbook))
    return SecretRef(text=text)


def _absolute(path: str, playbook: Path) -> str:
    return os.path.abspath(os.path.join(playbook.parent, os.path.expanduser(path)))
