"""
A shell behind an HTTPS API: a line is posted as JSON, and its output and exit status come back as JSON.

As pfSense-pkg-RESTAPI has it (its source: Models/CommandPrompt.inc, Core/Command.inc): PHP's ``exec`` runs
the line with ``2>&1`` put behind it. So standard error is there for the last command of a line alone, blanks
at the ends of lines are gone, and the answer comes when all that the line started has let go of its output.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Command, HttpsJson, HttpsShell
from sipalg_fix.transports.https_json import HttpsLine
from sipalg_fix.transports.line import Credentials, Endpoint, Said
from sipalg_fix.transports.ssh_keys import KeyStore


class ShellLine:
    """A client that says who it is with each request."""

    def __init__(
        self, endpoint: Endpoint, access: HttpsShell, keys: KeyStore, credentials: Credentials
    ) -> None:
        self._endpoint = endpoint
        self._access = access
        self._https = HttpsLine(endpoint, HttpsJson(login=access.login, port=access.port), keys, credentials)

    def say(self, command: Command) -> Said:
        """
        Run it. The text is what it wrote, the status ``exit N``. DeviceError where it was not run, or where
        what came back does not show that it was.
        """
        if command.answers or len(command.text.encode()) > self._access.longest:
            what = f"cannot be asked this: only lines of {self._access.longest} bytes, without answers"
            raise self._endpoint.error("internal", what)
        posted = f"POST {self._access.path} {json.dumps({'command': command.text})}"
        said = self._https.say(replace(command, text=posted))
        if said.status != "http 200":
            raise self._refused(said)
        return self._outcome(said.text)

    def close(self) -> None:
        """Hang up."""
        self._https.close()

    def _outcome(self, text: str) -> Said:
        data = _object(text).get("data")
        outcome = data if isinstance(data, dict) else {}
        output, status = outcome.get("output"), outcome.get("result_code")
        if not isinstance(output, str | None) or not isinstance(status, int) or isinstance(status, bool):
            raise self._endpoint.error("not-understood", "does not show how the command ended")
        return Said(text=(output or "").replace("\r\n", "\n").removesuffix("\n"), status=f"exit {status}")

    def _refused(self, said: Said) -> DeviceError:
        """What a reply without an outcome means; 401 is no such reply, see HttpsLine."""
        answer = _object(said.text)
        words = str(answer.get("message") or answer.get("response_id") or "").strip()
        told = f"({said.status}{': ' + words if words else ''})"
        match said.status:
            case "http 403":
                return self._endpoint.error(
                    "access-denied", f"does not let this account post to {self._access.path} {told}"
                )
            case "http 404" | "http 503":
                what = f"does not serve {self._access.path} {told}; needed there: {self._access.needs}"
                return self._endpoint.error("no-access", what)
            case "http 400" | "http 405" | "http 406" | "http 422":
                return self._endpoint.error("command-refused", f"did not run the command {told}")
            case "http 502" | "http 504":
                return self._endpoint.lost(f"to its shell before the command had ended {told}")
            case _:
                return self._endpoint.error(
                    "not-understood", f"does not say what became of the command {told}"
                )


def _object(text: str) -> dict[str, Any]:
    """The JSON object that the text is; empty for any other text."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
