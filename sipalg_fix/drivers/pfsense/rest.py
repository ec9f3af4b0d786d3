"""
pfSense by REST: the lines of the driver, posted to the shell of the package pfSense-pkg-RESTAPI 2.

None of the package's other endpoints shows or changes siproxd's settings, and a service stopped by
``status/service`` is stored nowhere and leaves the redirect. ``diagnostics/command_prompt`` gives a line to
``/bin/sh`` as root, whoever asked for it (its source: Models/CommandPrompt.inc, Core/Command.inc), takes no
more than 1024 bytes (Fields/StringField.inc), and says what the line wrote and its exit status.
"""

from __future__ import annotations

from sipalg_fix.model.session import Basic, Edition, HttpsShell, KeyHeader

NAME = "rest"
REST = HttpsShell(
    login=(
        Edition(name="api_key", login=KeyHeader(header="X-API-Key")),
        Edition(name="basic", login=Basic()),
    ),
    path="/api/v2/diagnostics/command_prompt",
    needs="the package pfSense-pkg-RESTAPI 2, which an upgrade of pfSense removes, with its REST API enabled",
    longest=1024,
)
UNVERIFIED = (
    "the REST package's answers: known from its source and documentation",
    "that a revert timer begun by REST outlives a restart of the web server's PHP; each change looks for it",
    "how long the firewall's web server waits for a command: where it gives up, the answer is taken as lost",
    "which release of the REST package began with the header X-API-Key: Basic is in all of them",
)
ACCOUNT = (
    "# or by REST, for both: install pfSense-pkg-RESTAPI 2 from its releases; pfSense itself has none",
    "# in System > REST API > Settings: Authentication Methods: Key; Read Only: off, every command is a POST",
    "# in System > User Manager: add user sipalg, password <password>, with the one privilege",
    "# api-v2-diagnostics-command-prompt-post (REST API - /api/v2/diagnostics/command_prompt POST);",
    "# what is posted there is run as root, so the key is worth as much as root's password",
    "# in System > REST API > Keys, logged in as sipalg: add a key; it is the password of the access rest,",
    "# with login: api_key. With login: basic the access takes user name and password, if Basic is allowed",
    "# in System > REST API > Access Lists: allow <address> alone",
)
