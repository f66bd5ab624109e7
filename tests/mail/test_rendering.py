import pytest

from referral_factory.errors import InvalidInput
from referral_factory.mail import texts
from referral_factory.mail.models import Kind
from referral_factory.mail.rendering import check_text, render, safe_name
from referral_factory.mail.texts import Text

VALUES = {
    "name": "Ada Lovelace",
    "campaign": "Give 5, get 10",
    "link": "https://r.example/r/ABC",
    "portal": "https://r.example/portal/x",
    "confirm": "https://r.example/join/confirm/x",
    "amount": "$10.00",
}
LINK_ALONE = Text("Hello {name}", "Hello {name},\n\nyours:\n\n{portal}\n\nBye")


def welcome(text: Text = LINK_ALONE, **values: str) -> object:
    return render(Kind.WELCOME, text, {**VALUES, **values})


def test_placeholders_are_filled_in_subject_text_and_html() -> None:
    mail = render(Kind.WELCOME, Text("For {name}", "Hi {name}: {link}"), VALUES)

    assert mail.subject == "For Ada Lovelace"
    assert mail.text == "Hi Ada Lovelace: https://r.example/r/ABC"
    assert 'href="https://r.example/r/ABC"' in mail.html


def test_without_a_name_the_greeting_is_whole() -> None:
    mail = render(Kind.WELCOME, LINK_ALONE, {**VALUES, "name": ""})

    assert mail.subject == "Hello"
    assert mail.text.startswith("Hello,\n")


def test_a_link_that_stands_alone_is_a_button() -> None:
    html = render(Kind.WELCOME, LINK_ALONE, VALUES).html

    assert ">Open my page</a>" in html


def test_values_are_escaped_in_the_html_and_plain_in_the_text() -> None:
    values = {**VALUES, "campaign": "<b>Tom & Co</b>"}

    mail = render(Kind.WELCOME, Text("S", "About {campaign} <i>"), values)

    assert "About &lt;b&gt;Tom &amp; Co&lt;/b&gt; &lt;i&gt;" in mail.html
    assert mail.text == "About <b>Tom & Co</b> <i>"


def test_braces_in_a_value_stay_as_they_are() -> None:
    values = {**VALUES, "campaign": "{portal}"}

    mail = render(Kind.WELCOME, Text("{campaign}", "{campaign}"), values)

    assert (mail.subject, mail.text) == ("{portal}", "{portal}")


def test_a_subject_is_one_line_whatever_the_values_hold() -> None:
    values = {**VALUES, "campaign": "Spring\r\nBcc: all@example.com\x00"}

    mail = render(Kind.WELCOME, Text("For {campaign}", "x"), values)

    assert mail.subject == "For Spring Bcc: all@example.com"


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "Zoë O’Neill-Müller",  # noqa: RUF001 - typed so
        "J. R. R. Tolkien",
        "李小龍",
        "حسن علی‌پور",  # with a joiner
        "नरेन्द्र",
        "Louis XIV",
        "Smith & Sons (London)",
    ],
)
def test_a_name_that_looks_like_one_is_used(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Win $$$ http://evil.example",
        "evil.example",
        "Visit evil .example now: evil.com",
        "evil。com",
        "ｅｖｉｌ．ｃｏｍ",  # noqa: RUF001 - and full-width letters for these
        "evil\u200d.com",
        "www evil com",
        "//evil",
        "a@evil.example",
        "<script>alert(1)</script>",
        "Call 0800 123 4567",
        "You won a prize! " * 5,
        "[click](evil)",
        "\u202elive",
        "",
    ],
)
def test_a_name_that_may_be_more_is_left_out(name: str) -> None:
    assert safe_name(name) == ""


def test_line_breaks_in_a_name_are_spaces() -> None:
    assert safe_name("Ada\r\n\tLovelace") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("kind", "subject", "body", "pointer", "words"),
    [
        ("welcome", "", "Hi {nmae}", "/body", "There is no {nmae} here"),
        ("welcome", "", "{confirm}", "/body", "There is no {confirm} here"),
        ("welcome", "See {link}", "", "/subject", "There is no {link} here"),
        ("reward", "{0}", "", "/subject", "There is no {0} here"),
        ("reward", "", "{name.__class__}", "/body", "There is no {name.__class__}"),
        ("confirmation", "", "Welcome!", "/body", "Say where {confirm} goes"),
        ("welcome", "Hi\nBcc: x@example.com", "", "/subject", "one line"),
    ],
)
def test_a_text_that_cannot_work_is_refused_by_name(
    kind: str, subject: str, body: str, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words.replace("{", r"\{")) as refusal:
        check_text(kind, subject, body)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize("kind", list(Kind))
def test_our_own_texts_pass_and_leave_no_brace(kind: Kind) -> None:
    text = texts.default(kind)
    check_text(kind, text.subject, text.body)

    mail = render(kind, text, VALUES)

    assert "{" not in mail.subject + mail.plain
    assert "Ada Lovelace" in mail.plain


def test_the_html_asks_nobody_for_anything() -> None:
    html = render(Kind.REWARD, texts.default(Kind.REWARD), VALUES).html

    assert "<img" not in html
    assert "<link" not in html
    assert "<script" not in html
    assert "url(" not in html
