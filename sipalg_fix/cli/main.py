"""
The command ``sipalg-fix``: its verbs, and what its process ends with.

Exit codes: 0 all as intended; 2 findings, or changes planned; 3 only inconclusive; 4 some hosts failed or
could not be reached; 5 a change failed and was rolled back; 6 a host is stranded; 7 stopped by a rule;
64 bad usage or input files; 1 a fault of this tool; 130 interrupted. The worst wins, in the order
1, 64, 130, 6, 5, 7, 4, 2, 3, 0.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import typer

from sipalg_fix import __version__
from sipalg_fix.cli import (
    approving,
    backups,
    changing,
    freezing,
    journaling,
    listening,
    looking,
    past,
    probing,
    recovering,
    setup,
)
from sipalg_fix.model.errors import (
    CaptureError,
    DeviceError,
    InputError,
    JournalError,
    PlanError,
    SipalgError,
)

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""The framework's class for bad usage; it moved between packages, its place above BadParameter did not."""

STOPS = frozenset(
    {
        "plan-objections",
        "own-approval",
        "signers-changed",
        "author-missing",
        "signer-not-allowed",
        "window-closed",
        "frozen",
    }
    | {f"approval-{why}" for why in ("missing", "mismatch", "expired", "tampered")}
)
"""Codes of rules that stop a plan."""

app = typer.Typer(
    name="sipalg-fix",
    help="Find SIP ALG on routers, switch it off safely, and prove that it is off.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
looking.add_to(app)
changing.add_to(app)
approving.add_to(app)
recovering.add_to(app)
freezing.add_to(app)
past.add_to(app)
journaling.add_to(app)
backups.add_to(app)
setup.add_to(app)
probing.add_to(app)
listening.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sipalg-fix {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Say the version."
    ),
) -> None:
    """
    Find SIP ALG on routers, switch it off safely, and prove that it is off.

    A first look, which changes nothing:

        sipalg-fix audit -i inventory/

    A change, reviewed before it happens:

        sipalg-fix plan -i inventory/ -p playbooks/disable-sip-alg.yaml -o plan.json

        sipalg-fix apply plan.json

        sipalg-fix verify last
    """
    del version


def main() -> NoReturn:
    """Run the command line and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """The exit code of this command line; everything that goes wrong is a sentence on standard error."""
    try:
        code = app(args=words, prog_name="sipalg-fix", standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        _say("stopped")
        return 130
    except USAGE_ERROR as error:
        _say(f"{error.format_message()}\nTry 'sipalg-fix --help'.")  # type: ignore[attr-defined]  # see USAGE_ERROR
        return 64
    except InputError as error:
        # Each line begins with FILE:LINE:, so that editors and people find the place.
        print(error, file=sys.stderr)
        return 64
    except PlanError as error:
        _say(f"{error} [{error.code}]")
        return 7 if error.code in STOPS else 64
    except DeviceError as error:
        _say(f"{error} [{error.code}]")
        return 4
    except JournalError as error:
        _say(f"{error} [{error.code}]")
        return 1
    except CaptureError as error:
        _say(f"{error} [{error.code}]")
        return 64
    except SipalgError as error:
        _say(str(error))
        return 64
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nothing more to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the process's edge: a sentence instead of a traceback
        # The texts of foreign exceptions may hold secrets; kinds and places do not.
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames[-6:]))
        _say(f"a fault of this tool, please report it: {type(error).__name__} at {where}")
        return 1
    return code if isinstance(code, int) else 0


def _say(text: str) -> None:
    print(f"sipalg-fix: {text}", file=sys.stderr)
