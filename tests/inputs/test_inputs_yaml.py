"""YAML is taken as it is written: nothing is guessed from the look of a value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_inventories import outcome

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.strict_yaml import MAX_DEPTH, Table, as_plain, decode, line_of, parse
from sipalg_fix.model.errors import InputError

UNHURRIED = settings(deadline=None)


def plain(text: str) -> object:
    """What a text comes to, as dicts and lists."""
    node = parse(text, "f")
    return None if node is None else as_plain(node)


def code_of(text: str) -> tuple[str, int]:
    """The first problem's code and line."""
    with pytest.raises(InputError) as caught:
        parse(text, "f")
    first = caught.value.problems[0]
    return first.code, first.line


@pytest.mark.parametrize(
    "text",
    ["22:30", "off", "no", "yes", "on", "true", "010", "0x1F", "1e3", "2027-01-31", "1_000", ".inf", "="],
)
def test_a_value_is_the_text_that_stands_there(text: str) -> None:
    """Times, switches, numbers and dates of YAML 1.1 stay as they were typed."""
    assert plain(f"key: {text}") == {"key": text}


@pytest.mark.parametrize("nothing", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_nothing_only_without_quotes(nothing: str) -> None:
    """A quoted tilde is a tilde."""
    assert plain(f"key: {nothing}") == {"key": None}
    assert plain(f"key: '{nothing}'") == {"key": nothing}


def test_ipv6_needs_no_quotes() -> None:
    """Colons without a blank after them are part of a value."""
    assert plain("a: 2001:db8::1\nb: fe80::1%eth0") == {"a": "2001:db8::1", "b": "fe80::1%eth0"}


def test_every_key_and_item_has_its_line() -> None:
    """Also below flow collections, merges and comments."""
    node = parse("# c\na:\n  b:\n    - x\n    - {c: 1,\n       d: 2}\n", "f")
    assert isinstance(node, Table)
    assert line_of(node, ("a",)) == 2
    assert line_of(node, ("a", "b", 0)) == 4
    assert line_of(node, ("a", "b", 1, "c")) == 5
    assert line_of(node, ("a", "b", 1, "d")) == 6
    assert line_of(node, ("a", "nothing", "there")) == 2


def test_aliases_and_merges_work_as_in_yaml() -> None:
    """Own keys win over merged ones, earlier merged ones over later; a merged key keeps its line."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd: *a\n"
    assert plain(text) == {
        "a": {"x": "1", "y": "1"},
        "b": {"y": "2", "z": "2"},
        "c": {"x": "3", "y": "1", "z": "2"},
        "d": {"x": "1", "y": "1"},
    }
    node = parse(text, "f")
    assert node is not None
    assert line_of(node, ("c", "z")) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &a [*a]", (codes.ANCHOR, 1)),
        ("a: *b", (codes.ANCHOR, 1)),
        ("[" * (MAX_DEPTH + 1), (codes.TOO_DEEP, 1)),
        ("a0: &a0 []\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200)),
         (codes.TOO_DEEP, MAX_DEPTH + 1)),
        ("a: &a {" + ", ".join(f"k{n}: 1" for n in range(1500)) + "}\nb: [" + "{<<: *a}, " * 1500 + "]",
         (codes.TOO_DEEP, 2)),
        ("a: 1\n--- \nb: 2", (codes.MANY_DOCUMENTS, 2)),
        ("a: !!python/name:os.system x", (codes.TAG, 1)),
        ("a: !!set {b}", (codes.TAG, 1)),
        ("a: !local x", (codes.TAG, 1)),
        ("a: 1\n\tb: 2", (codes.TAB, 2)),
        ("a: 1\n b: 2", (codes.NOT_YAML, 2)),
        ('a: "\\ud800"', (codes.NOT_YAML, 1)),
        ('a: "\\U00110000"', (codes.NOT_YAML, 1)),
        ("a: 1\n\x1b[31m", (codes.NOT_YAML, 2)),
        ("{<<: x}", (codes.SHAPE, 1)),
        ("{<<: [[a]]}", (codes.SHAPE, 1)),
        ("~: x", (codes.SHAPE, 1)),
    ],
)  # fmt: skip
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, expected: tuple[str, int]) -> None:
    """Recursion, bombs, tags, documents and noise never get as far as a value."""
    assert code_of(text) == expected


def test_what_leaves_the_rest_readable_can_be_noted() -> None:
    """A key that stands twice does not keep the reader from the rest; the first one counts."""
    notes: list[object] = []
    node = parse("a: 1\na: 2\nb: 3\n", "f", notes)  # type: ignore[arg-type]  # a list of Problems and more
    assert node is not None
    assert as_plain(node) == {"a": "1", "b": "3"}
    assert [str(note) for note in notes] == [
        "f:2: E106 the key 'a' stands twice: first in line 1, again here"
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~", "\n\n"])
def test_an_empty_text_is_nothing(text: str) -> None:
    """Comments and blank lines are no document."""
    assert parse(text, "f") is None


def test_a_byte_order_mark_is_no_character_of_the_text() -> None:
    """UTF-8 with a mark is read; UTF-16 is refused."""
    assert plain(decode(b"\xef\xbb\xbfa: \xc3\xbc", "f")) == {"a": "ü"}
    with pytest.raises(InputError, match=codes.NOT_UTF8):
        decode("a: 1".encode("utf-16"), "f")


@UNHURRIED
@given(st.text())
def test_any_text_is_a_tree_or_an_input_error(text: str) -> None:
    """Nothing else comes out of it, whatever goes in."""
    lines = len(text.splitlines()) + 1
    found = outcome(lambda: parse(text, "f"))
    if isinstance(found, InputError):
        assert found.problems
        assert all(1 <= problem.line <= lines for problem in found.problems)
    else:
        assert found is None or 1 <= found.line <= lines


@UNHURRIED
@given(st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#,~<\t\n \\", max_size=60))
def test_any_punctuation_is_a_tree_or_an_input_error(text: str) -> None:
    """The same where it is most likely to hurt; and a tree can be walked."""
    found = outcome(lambda: parse(text, "f"))
    if isinstance(found, InputError):
        assert found.problems
    else:
        assert found is None or as_plain(found) is not None


@UNHURRIED
@given(st.binary())
def test_any_bytes_are_a_text_or_an_input_error(data: bytes) -> None:
    """A file may hold anything."""
    found = outcome(lambda: decode(data, "f"))
    if isinstance(found, InputError):
        assert found.problems[0].code == codes.NOT_UTF8
    else:
        assert found.encode() == data.removeprefix(b"\xef\xbb\xbf")
