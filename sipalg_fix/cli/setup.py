"""The verbs around the work: platforms, doctor, host keys, and the lab of virtual routers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.screen import colored, put, width

hostkeys = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The SSH host keys and certificates to trust."
)
lab = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Virtual routers on loopback, to learn and rehearse."
)
LabFolder = Annotated[Path, typer.Option("--dir", help="Where the lab keeps its keys, ports and inventory.")]


Hosts = Annotated[str, typer.Argument(help="Which hosts, as for --limit; all of them when not said.")]


class Purpose(StrEnum):
    """What an account is for."""

    AUDIT = "audit"
    CHANGE = "change"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(platforms)
    app.command()(account)
    app.command()(doctor)
    app.add_typer(hostkeys, name="hostkeys")
    app.add_typer(lab, name="lab")


def platforms(output: options.ListOutput = options.ListForm.TABLE) -> int:
    """What is supported, how it is talked to, and how good the evidence for it is."""
    from sipalg_fix.cli.support import supported
    from sipalg_fix.reports import render_table
    from sipalg_fix.wiring import drivers

    put(render_table(supported(drivers()), output.value, color=colored(), width=width()))
    return 0


def account(
    platform: Annotated[str, typer.Argument(help="As 'sipalg-fix platforms' lists it.")],
    purpose: Annotated[
        Purpose, typer.Option("--for", help="Only look, or change things, too.")
    ] = Purpose.AUDIT,
    output: options.TextOutput = options.TextForm.TEXT,
) -> int:
    """
    The commands that make a router account with just the rights needed. Nothing is sent anywhere.

    Examples:

        sipalg-fix account mikrotik_routeros

        sipalg-fix account cisco_ios --for change --output json
    """
    import json

    from sipalg_fix.cli.support import account as made
    from sipalg_fix.cli.support import account_text
    from sipalg_fix.drivers import by_name

    try:
        driver = by_name(platform)
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0])) from None
    steps = made(driver, purpose.value)
    put(json.dumps(steps, indent=2) + "\n" if output is options.TextForm.JSON else account_text(steps))
    return 0


def doctor(
    inventory: Annotated[
        Path | None, typer.Option("--inventory", "-i", help="Check this inventory, too.")
    ] = None,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """What is missing or wrong on this machine, and what to do about it."""
    from sipalg_fix.cli.checks import check_all
    from sipalg_fix.cli.scene import places
    from sipalg_fix.reports import render_table

    found = check_all(places(), inventory)
    put(render_table(found, output.value, color=colored(), width=width()))
    return 0 if all(row["result"] == "ok" for row in found) else 2


@hostkeys.command("scan")
def scan(
    hosts: Hosts = "",
    inventory: options.Inventory = Path("inventory"),
    playbook: options.PlaybookFile = None,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    Ask each router for its key or certificate, without logging in, and say whether it is known.

    With a playbook, also the probe points behind them:

        sipalg-fix hostkeys scan -i inventory/ -p playbooks/disable-sip-alg.yaml
    """
    from sipalg_fix.cli.keys import scanned
    from sipalg_fix.reports import render_table

    rows = scanned(inventory, hosts, playbook)
    found = [{key: row[key] for key in ("host", "access", "key", "result")} for row in rows]
    put(render_table(found, output.value, color=colored(), width=width()))
    return 0 if all(row["result"] == "known" for row in found) else 2


@hostkeys.command("accept")
def accept(
    hosts: Hosts = "",
    inventory: options.Inventory = Path("inventory"),
    playbook: options.PlaybookFile = None,
    yes: options.Yes = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where another key was known before.")
    ] = False,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    Trust the keys and certificates that the routers show now, after you compared them.

    With a playbook, also those of the probe points behind them:

        sipalg-fix hostkeys accept -i inventory/ -p playbooks/disable-sip-alg.yaml
    """
    from sipalg_fix.cli.keys import accepted
    from sipalg_fix.reports import render_table

    found = accepted(inventory, hosts, playbook, yes=yes, replace=replace)
    put(render_table(found, output.value, color=colored(), width=width()))
    return 0 if all(row["result"] in ("known", "accepted") for row in found) else 4


@lab.command("up")
def up(
    file: Annotated[Path, typer.Argument(help="The lab's inventory.")] = Path("inventory/lab.yaml"),
    folder: LabFolder = Path("build/lab"),
) -> int:
    """Start the virtual routers; the inventory to use with them is DIR/hosts.yaml."""
    from sipalg_fix.lab import admin

    client = admin.up(file, folder)
    put(f"{len(client.list())} virtual routers are up; their inventory is {folder / 'hosts.yaml'}")
    return 0


@lab.command("down")
def down(folder: LabFolder = Path("build/lab")) -> int:
    """Stop them."""
    from sipalg_fix.lab import admin

    admin.down(folder)
    return 0


@lab.command("list")
def list_(folder: LabFolder = Path("build/lab"), output: options.ListOutput = options.ListForm.TABLE) -> int:
    """Which virtual routers there are, and where."""
    from sipalg_fix.lab.admin import LabClient
    from sipalg_fix.reports import render_table

    put(render_table(LabClient(folder).list(), output.value, color=colored(), width=width()))
    return 0
