"""Sealed to public keys, opened by secret ones, and by nothing else."""

from __future__ import annotations

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.errors import PlanError
from sipalg_fix.sealing.age import opened, sealer

PAIR, OTHER = (pyrage.x25519.Identity.generate() for _ in range(2))


@given(text=st.text(st.characters(codec=None)).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_what_was_sealed_is_what_is_opened(text: str) -> None:
    """To the letter, by any one of several keys; and the text is not to be seen in it."""
    seal = sealer([str(PAIR.to_public()), str(OTHER.to_public())])
    assert seal is not None
    sealed = seal(text)
    assert sealed.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert len(text) < 8 or text not in sealed
    for pair in (PAIR, OTHER):
        assert opened(sealed, f"# created: today\n\n{pair}\n") == text


def test_bytes_of_no_known_encoding_come_back() -> None:
    """As transports hold them."""
    seal = sealer([str(PAIR.to_public())])
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert seal is not None
    assert opened(seal(text), str(PAIR)) == text


def test_without_recipients_nothing_is_sealed() -> None:
    """There is no key of ours to fall back to."""
    assert sealer([]) is None


@pytest.mark.parametrize(
    "recipient",
    ["", "age1canary", "ssh-ed25519 AAAA", str(PAIR)],
    ids=["nothing", "no key", "an SSH key", "a secret key"],
)
def test_what_is_no_recipient(recipient: str) -> None:
    """Told before anything is read or sent."""
    with pytest.raises(PlanError) as caught:
        sealer([str(PAIR.to_public()), recipient])
    assert caught.value.code == "bad-recipient"


@pytest.mark.parametrize(
    "identity",
    ["", "# nothing\n", "CANARY-KEY", str(OTHER), str(PAIR.to_public())],
    ids=["nothing", "a comment", "no key", "another key", "a public key"],
)
def test_who_has_not_the_key_has_nothing(identity: str) -> None:
    """And the message does not repeat what stands in the file."""
    seal = sealer([str(PAIR.to_public())])
    assert seal is not None
    with pytest.raises(PlanError) as caught:
        opened(seal("secret"), identity)
    assert caught.value.code == "backup-locked"
    assert identity.strip("# \n") in ("", "nothing") or identity not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [lambda text: text[:-80], lambda text: "", lambda text: "ä" + text],
    ids=["cut", "emptied", "no armour"],
)
def test_what_was_changed_does_not_open(change: object) -> None:
    """Cut, emptied, or something else."""
    seal = sealer([str(PAIR.to_public())])
    assert seal is not None
    assert callable(change)
    with pytest.raises(PlanError) as caught:
        opened(change(seal("secret")), str(PAIR))
    assert caught.value.code == "backup-locked"
