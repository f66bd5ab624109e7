"""When two addresses are one mailbox: certainly, perhaps, or not."""

import pytest

from referral_factory.errors import InvalidInput
from referrals.mailboxes import alike, canonical, clean


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.com", "ann@example.com"),
        ("ann.lee@gmail.com", "annlee@gmail.com"),
        ("annlee+shop@gmail.com", "annlee@gmail.com"),
        ("a.n.n.lee+x+y@googlemail.com", "annlee@gmail.com"),
        ("ann+x@outlook.com", "ann@outlook.com"),
        ("ann@pm.me", "ann+x@proton.me"),
        ("ann@ｇmail.com", "ann@gmail.com"),  # noqa: RUF001 - full-width
        ("ａnn@example.com", "ann@example.com"),  # noqa: RUF001 - full-width
        ('"ann"@example.com', "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@bücher.example"),
        ("ann@example.com.", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
    ],
)
def test_certain_aliases_are_one_mailbox(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)
    assert not alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann+2@shop.example", "ann@shop.example"),
        ("ann1@shop.example", "ann@shop.example"),
        ("ann1@shop.example", "ann2@shop.example"),
        ("a.nn@shop.example", "ann@shop.example"),
        ("ann_lee@shop.example", "ann-lee@shop.example"),
        ("ann+a@shop.example", "ann+b@shop.example"),
        ("annlee1@gmail.com", "ann.lee@googlemail.com"),
    ],
)
def test_uncertain_aliases_are_alike_and_never_one(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@shop.example", "bob@shop.example"),
        ("ann@shop.example", "ann@other.example"),
        ("123@shop.example", "456@shop.example"),
        ("ann@faß.example", "ann@fass.example"),
        ("ann@gmail.com.example", "ann@gmail.com"),
    ],
)
def test_other_mailboxes_are_neither(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)
    assert not alike(one, other)


def test_canonical_form_is_its_own() -> None:
    once = canonical("A.Nn+x@GoogleMail.com")
    assert canonical(once) == once == "ann@gmail.com"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@shop.example",
        "ann@",
        "ann@@shop.example",
        "ann@a..b",
        "a b@shop.example",
        "ann@-.example",
        "ann@[127.0.0.1]",
        "x" * 250 + "@shop.example",
        "ann@localhost",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused_by_name(address: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        clean(address, "/friend/email")
    assert refusal.value.pointer == "/friend/email"


def test_clean_address_is_in_normal_form() -> None:
    assert clean(" Ann@BÜCHER.example ") == "Ann@bücher.example"
