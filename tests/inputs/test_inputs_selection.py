"""A pattern means the hosts it says, and a slip of the pen is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.inputs.selection import select, terms_of
from sipalg_fix.model.errors import InputError
from sipalg_fix.model.host import Host

UNHURRIED = settings(deadline=None)


def host(name: str, site: str = "", platform: str = "p", groups: tuple[str, ...] = (), **data: str) -> Host:
    return Host(name=name, site=site, platform=platform, groups=groups, data=data)


FLEET = (
    host("b-edge-1", "berlin", "ubiquiti_edgeos", ("berlin", "edge"), tenant="acme", window="22:30"),
    host("b-edge-2", "berlin", "ubiquiti_edgeos", ("berlin", "edge"), tenant="zeta"),
    host("b-core", "berlin", "opnsense", ("berlin",)),
    host("h-edge-1", "hamburg", "ubiquiti_edgeos", ("hamburg", "edge"), tenant="acme"),
    host("edge", "", "linux"),
)


def names(pattern: str) -> str:
    """The names of the hosts that a pattern means, joined."""
    return " ".join(
        host.name for host in select(FLEET, pattern, names_in=lambda path: "b-core\n# no\n\nedge # x\n")
    )


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", "b-edge-1 b-edge-2 b-core h-edge-1 edge"),
        ("  ", "b-edge-1 b-edge-2 b-core h-edge-1 edge"),
        ("all", "b-edge-1 b-edge-2 b-core h-edge-1 edge"),
        ("*", "b-edge-1 b-edge-2 b-core h-edge-1 edge"),
        ("b-core", "b-core"),
        ("*-edge-[12]", "b-edge-1 b-edge-2 h-edge-1"),
        ("edge", "b-edge-1 b-edge-2 h-edge-1 edge"),
        ("group=ham*", "h-edge-1"),
        ("site=berlin", "b-edge-1 b-edge-2 b-core"),
        ("site=", "edge"),
        ("platform=ubi*", "b-edge-1 b-edge-2 h-edge-1"),
        ("data.tenant=acme", "b-edge-1 h-edge-1"),
        ("data.tenant=*", "b-edge-1 b-edge-2 h-edge-1"),
        ("data.window=22?30", "b-edge-1"),
        ("b-core,h-edge-1", "b-core h-edge-1"),
        ("h-edge-1 : b-core", "b-core h-edge-1"),
        ("site=berlin:!b-core", "b-edge-1 b-edge-2"),
        ("!b-core:site=berlin", "b-edge-1 b-edge-2"),
        ("site=berlin:&group=edge", "b-edge-1 b-edge-2"),
        ("&site=berlin,&group=edge", "b-edge-1 b-edge-2"),
        ("&site=berlin,&group=edge,!data.tenant=acme", "b-edge-2"),
        ("b-core:h-edge-1:&site=berlin", "b-core"),
        ("!site=berlin", "h-edge-1 edge"),
        ("@list", "b-core edge"),
        ("!@list", "b-edge-1 b-edge-2 h-edge-1"),
        ("b-core:!b-core", ""),
    ],
)
def test_what_a_pattern_means(pattern: str, expected: str) -> None:
    """Union, intersection and exclusion, in whatever order, in the order of the inventory."""
    assert names(pattern) == expected


def test_names_are_as_they_are_written() -> None:
    """Upper and lower case differ, and the message offers what was meant."""
    with pytest.raises(InputError, match="did you mean 'b-core'"):
        select(FLEET, "B-Core")


@pytest.mark.parametrize(
    "pattern", ["r9", "!r9", "&r9", "b-core,r9", "site=bon", "data.colour=red", "group=*x*"]
)
def test_a_term_that_names_nobody_is_an_error(pattern: str) -> None:
    """Also one that excludes: it was meant to spare somebody."""
    with pytest.raises(InputError) as caught:
        select(FLEET, pattern)
    assert [problem.code for problem in caught.value.problems] == ["E141"]


@pytest.mark.parametrize(
    "pattern", [",", ":", "a,,b", "a,", "!", "&", "!,", "@", "colour=red", "data.=x", "=x"]
)
def test_a_pattern_with_a_hole_in_it_is_an_error(pattern: str) -> None:
    """An empty term is often an unset variable; it does not come to mean all hosts."""
    with pytest.raises(InputError) as caught:
        select(FLEET, pattern)
    assert "E142" in {problem.code for problem in caught.value.problems}


def test_a_list_of_names_is_read_from_its_file(tmp_path: Path) -> None:
    """One a line; a name that no host has is told with the line it stands in."""
    file = tmp_path / "names"
    file.write_text("\ufeffb-core\r\n\r\n# comment\r\nedge\r\n", encoding="utf-8")
    assert [one.name for one in select(FLEET, f"@{file}")] == ["b-core", "edge"]
    file.write_text("b-core\nb-cor\n")
    with pytest.raises(InputError) as caught:
        select(FLEET, f"@{file}")
    assert str(caught.value) == f"{file}:2: E141 no host is called 'b-cor'; did you mean 'b-core'?"
    file.write_text("# all were well\n")
    with pytest.raises(InputError, match="holds no name"):
        select(FLEET, f"@{file}")
    with pytest.raises(InputError, match="E143"):
        select(FLEET, f"@{tmp_path}/missing")


def test_messages_say_where_the_pattern_stands() -> None:
    """A playbook's line, or the word for the command line's."""
    with pytest.raises(InputError, match=r"^book\.yaml:7: E141"):
        select(FLEET, "r9", where=("book.yaml", 7))


def test_no_hosts_at_all_is_no_error() -> None:
    """What is left after one selection may be none; a second has nothing to say about it."""
    assert select((), "r9") == ()


SOME = st.lists(
    st.builds(
        Host,
        name=st.text("abc-1", min_size=1, max_size=4),
        site=st.sampled_from(["", "x", "y"]),
        platform=st.sampled_from(["p", "q"]),
        groups=st.sampled_from([(), ("g",), ("g", "h")]),
        data=st.sampled_from([{}, {"k": "v"}, {"k": "w"}]),
    ),
    unique_by=lambda host: host.name,
    max_size=8,
).map(tuple)
TERM = st.sampled_from(
    [
        "*",
        "all",
        "a*",
        "*1",
        "?",
        "g",
        "group=h",
        "site=x",
        "site=",
        "platform=q",
        "data.k=v",
        "data.k=*",
        "abc",
    ]
)


def taken(hosts: tuple[Host, ...], pattern: str) -> tuple[Host, ...] | None:
    """What a pattern means, None where it is an error."""
    try:
        return select(hosts, pattern)
    except InputError:
        return None


@UNHURRIED
@given(SOME, TERM)
def test_a_term_and_its_opposite_part_the_fleet(hosts: tuple[Host, ...], term: str) -> None:
    """Each host is on exactly one side; and both are errors, or neither."""
    inside, outside = taken(hosts, term), taken(hosts, f"!{term}")
    assert (inside is None) == (outside is None)
    if inside is not None and outside is not None:
        assert {one.name for one in inside} | {one.name for one in outside} == {one.name for one in hosts}
        assert len(inside) + len(outside) == len(hosts)


@UNHURRIED
@given(SOME, st.lists(TERM, min_size=1, max_size=3), st.sampled_from([",", ":", " , "]), st.randoms())
def test_terms_are_sets(hosts: tuple[Host, ...], terms: list[str], joint: str, random: object) -> None:
    """Bare terms add up, ``&`` terms meet, in any order and whatever joins them."""
    single = [taken(hosts, term) for term in terms]
    if any(one is None for one in single):
        assert taken(hosts, joint.join(terms)) is None
        return
    sets = [{one.name for one in found or ()} for found in single]
    shuffled = list(terms)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # random.Random, which hypothesis hands in
    union = taken(hosts, joint.join(shuffled))
    meeting = taken(hosts, joint.join(f"&{term}" for term in shuffled))
    assert union is not None
    assert meeting is not None
    assert {one.name for one in union} == set().union(*sets)
    assert {one.name for one in meeting} == set.intersection(*sets)
    assert list(union) == [one for one in hosts if one in union]


@UNHURRIED
@given(SOME, st.text(max_size=30).filter(lambda text: "@" not in text))
def test_any_text_is_hosts_or_an_input_error(hosts: tuple[Host, ...], pattern: str) -> None:
    """Nothing else comes out of it."""
    found = taken(hosts, pattern)
    assert found is None or set(one.name for one in found) <= {one.name for one in hosts}


@UNHURRIED
@given(st.text(max_size=30))
def test_terms_can_be_written_again(pattern: str) -> None:
    """What was understood of a pattern means the same when it is written down again."""
    terms, wrong = terms_of(pattern)
    if not wrong:
        assert terms_of(",".join(term.text for term in terms)) == (terms, ())
