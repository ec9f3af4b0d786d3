"""
Codes: the number of each thing that can be wrong in a file of the operator's, and its title.

E1xx: YAML, inventory and selection patterns; E2xx: playbooks. Numbers never change their meaning; each
has a section in ``docs/reference/errors.md``.
"""

from __future__ import annotations

from typing import Final

UNREADABLE: Final = "E101"
TOO_LARGE: Final = "E102"
NOT_UTF8: Final = "E103"
NOT_YAML: Final = "E104"
TAB: Final = "E105"
DUPLICATE_KEY: Final = "E106"
MANY_DOCUMENTS: Final = "E107"
TAG: Final = "E108"
ANCHOR: Final = "E109"
TOO_DEEP: Final = "E110"
EMPTY: Final = "E111"
SHAPE: Final = "E112"
UNKNOWN_KEY: Final = "E113"
BAD_NAME: Final = "E114"
NO_ADDRESS: Final = "E115"
BAD_ADDRESS: Final = "E116"
BAD_PORT: Final = "E117"
UNKNOWN_GROUP: Final = "E118"
GROUP_CIRCLE: Final = "E119"
NO_PLATFORM: Final = "E120"
UNKNOWN_PLATFORM: Final = "E121"
NO_SUCH_ACCESS: Final = "E122"
UNFIT_SETTING: Final = "E123"
BAD_REFERENCE: Final = "E124"
LITERAL_SECRET: Final = "E125"
SAME_ADDRESS: Final = "E126"
BAD_PIN: Final = "E127"
BAD_VALUE: Final = "E128"
PLAIN_PORT: Final = "E129"
TWO_SITES: Final = "E130"
FOREIGN: Final = "E131"
NO_USERNAME: Final = "E132"
SECRET_IN_DATA: Final = "E133"
NO_PAIR: Final = "E134"
NOTHING_MATCHES: Final = "E141"
BAD_PATTERN: Final = "E142"
BAD_NAME_LIST: Final = "E143"

PLAYBOOK_VERSION: Final = "E201"
PLAYBOOK_KEY: Final = "E202"
RESERVED_KEY: Final = "E203"
PLAYBOOK_SHAPE: Final = "E204"
MISSING_KEY: Final = "E205"
BAD_CHOICE: Final = "E206"
OUT_OF_RANGE: Final = "E207"
BAD_INTENT: Final = "E208"
BAD_PLANES: Final = "E209"
BAD_DATE: Final = "E210"
EMPTY_OVERRIDE: Final = "E211"
PLAYBOOK_PATTERN: Final = "E212"
BAD_TEXT: Final = "E213"
BAD_SHARE: Final = "E214"
BAD_DURATION: Final = "E215"
BAD_WINDOW: Final = "E216"
BAD_ZONE: Final = "E217"
NO_SIGNERS: Final = "E231"
BAD_RECIPIENT: Final = "E232"
PROBE_PLACE: Final = "E251"
PROBE_COMMAND: Final = "E252"
PROBE_LOGIN: Final = "E253"

TITLES: Final = {
    UNREADABLE: "The file cannot be read",
    TOO_LARGE: "The file is too large",
    NOT_UTF8: "The file is not UTF-8",
    NOT_YAML: "This is not YAML",
    TAB: "A tab in the indentation",
    DUPLICATE_KEY: "A key stands twice",
    MANY_DOCUMENTS: "More than one document",
    TAG: "A tag",
    ANCHOR: "An anchor or alias that cannot be followed",
    TOO_DEEP: "Too deep or too much",
    EMPTY: "No hosts",
    SHAPE: "Not the right kind of entry",
    UNKNOWN_KEY: "An unknown key",
    BAD_NAME: "A name that cannot be used",
    NO_ADDRESS: "A host without an address",
    BAD_ADDRESS: "Not an address",
    BAD_PORT: "Not a port",
    UNKNOWN_GROUP: "An unknown group",
    GROUP_CIRCLE: "Groups in a circle",
    NO_PLATFORM: "A host without a platform",
    UNKNOWN_PLATFORM: "An unknown platform",
    NO_SUCH_ACCESS: "An access that the platform does not have",
    UNFIT_SETTING: "A setting that does not fit the access",
    BAD_REFERENCE: "Not a reference to a secret",
    LITERAL_SECRET: "A password in the inventory (warning)",
    SAME_ADDRESS: "Two hosts at one address (warning)",
    BAD_PIN: "Not a certificate pin",
    BAD_VALUE: "A value that cannot be used",
    PLAIN_PORT: "An unencrypted port without `plain: true`",
    TWO_SITES: "Two sites for one entry",
    FOREIGN: "Another tool's inventory",
    NO_USERNAME: "An access without a user name",
    SECRET_IN_DATA: "A secret among the data (warning)",
    NO_PAIR: "A pair that is none",
    NOTHING_MATCHES: "A pattern term that matches nothing",
    BAD_PATTERN: "Not a selection pattern",
    BAD_NAME_LIST: "A list of names that cannot be read",
    PLAYBOOK_VERSION: "The playbook's version",
    PLAYBOOK_KEY: "An unknown key in a playbook",
    RESERVED_KEY: "A key kept for later",
    PLAYBOOK_SHAPE: "Not the right kind of entry in a playbook",
    MISSING_KEY: "A key is missing or empty",
    BAD_CHOICE: "Not one of the choices",
    OUT_OF_RANGE: "A number out of range",
    BAD_INTENT: "An intent that is not supported",
    BAD_PLANES: "Not a set of planes",
    BAD_DATE: "Not a date",
    EMPTY_OVERRIDE: "An override that changes nothing",
    PLAYBOOK_PATTERN: "Not a selection pattern in a playbook",
    BAD_TEXT: "A text that cannot be used",
    BAD_SHARE: "Not a number of hosts or a share of them",
    BAD_DURATION: "Not a time to wait",
    BAD_WINDOW: "Not a time of day or a day of the week",
    BAD_ZONE: "Not a time zone",
    NO_SIGNERS: "No file of signers",
    BAD_RECIPIENT: "Not an age recipient",
    PROBE_PLACE: "A probe point that is nowhere, or in two places",
    PROBE_COMMAND: "Not a command for a probe point",
    PROBE_LOGIN: "A probe point that cannot be logged in to",
}
"""Every code with its title, in the order of the docs page."""
