"""Letters say the same in both languages, in plain words, and nothing of importance in their subjects."""

import re
from html import unescape

import pytest

from vemre import messages
from vemre.service.delivery import Message
from vemre.service.delivery.letters import TEMPLATES, Letter, _needed, check, render

NAME = "0f" * 16
VALUES = {
    "url": "https://casilla.example.org/acceso#abcDEF-_123",
    "election": "Elección de prueba",
    "until": "2024-06-03T00:00:00Z",
    "time": "2024-01-01T05:30:00Z",
    "code": "123456",
    "minutes": "5",
    "credential": "ABCD-EFGH-JKMN-PQRS",
    "tracker": "9F3K-7QWM",
    "folio": "S-0123456789",
    "fields_es": "ciudad",
    "fields_en": "city",
    "note": "El <b>comprobante</b> & el mapa\nno coinciden.",
    "reason_es": "No se acreditó.",
    "reason_en": "It was not shown.",
}


def letter(template: str, **changes: str) -> Letter:
    channel = TEMPLATES[template]
    to = "ana@example.org" if channel == "mail" else "+13125550123"
    return render(Message(NAME, channel, to, template, {**VALUES, **changes}), "+52 55 0000 0000")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_has_its_words(template: str) -> None:
    check(Message(NAME, TEMPLATES[template], "x", template, VALUES))
    found = letter(template)
    for name in _needed(template):
        if name in VALUES and name not in ("until", "time", "note"):
            assert VALUES[name] in found.text
    assert "{" not in found.text + found.subject


@pytest.mark.parametrize("template", [name for name, channel in TEMPLATES.items() if channel == "mail"])
def test_mails_warn_of_forged_ones_and_tell_nothing_in_the_subject(template: str) -> None:
    found = letter(template)
    subject = messages.find(f"letter-{template}-subject")
    assert "{" not in subject.es.detail + subject.en.detail
    assert found.subject == f"{subject.es.detail} / {subject.en.detail}"
    assert "\n" not in found.subject
    spanish, english = found.text.split("-" * 40)
    assert "Cuídese de los correos que se parecen a este" in spanish
    assert "Beware of mails that look like this one" in english
    assert all("+52 55 0000 0000" in text for text in (spanish, english))


@pytest.mark.parametrize("template", [name for name, channel in TEMPLATES.items() if channel == "mail"])
def test_the_page_says_what_the_text_says_in_marked_languages(template: str) -> None:
    found = letter(template)
    assert found.html.index('<div lang="es">') < found.html.index('<div lang="en">')
    words = unescape(re.sub(r"<[^>]*>", " ", found.html.partition("<body>")[2].replace("<wbr>", "")))
    assert words.split() == [word for word in found.text.split() if word != "-" * 40]
    tags = set(re.findall(r"</?([a-z0-9]+)", found.html))
    assert tags <= {"html", "head", "meta", "title", "body", "div", "hr", "p", "br", "b", "a", "wbr"}
    assert set(re.findall(r"(?:href|src)=\"([^\"]*)\"", found.html)) <= {VALUES["url"]}


def test_what_somebody_wrote_is_no_markup() -> None:
    found = letter("application-observed")
    assert "<b>comprobante</b>" not in found.html
    assert "El &lt;b&gt;comprobante&lt;/b&gt; &amp; el mapa" in found.html


def test_a_link_shows_where_it_leads() -> None:
    url = VALUES["url"]
    html = letter("access-link").html
    assert f'<a href="{url}">{url}</a>' in html.replace("<wbr>", "")
    # On a telephone it is longer than a line.
    assert max(len(piece) for piece in re.findall(r">(https:[^\n]*)</a>", html)[0].split("<wbr>")) <= 24
    assert "<a" not in letter("credential").html


def test_no_mail_has_both_a_link_and_a_credential() -> None:
    for template in TEMPLATES:
        assert not {"url", "credential"} <= _needed(template)


def test_text_messages_are_short() -> None:
    found = letter("sms-code")
    assert len(found.text) <= 160
    assert found.text.isascii()
    assert (found.subject, found.html) == ("", "")


def test_times_are_written_out() -> None:
    assert "2 de junio de 2024 a las 18:00 horas de la Ciudad de México (UTC: 2024-06-03 00:00)" in (
        letter("access-link").text
    )
    assert "31 December 2023 at 23:30, Mexico City time (UTC: 2024-01-01 05:30)" in letter("received").text


def test_languages_have_their_own_values() -> None:
    spanish, english = letter("application-refused").text.split("-" * 40)
    assert ("No se acreditó." in spanish, "It was not shown." in english) == (True, True)
    assert "No se acreditó." not in english


def test_without_a_help_line_there_is_the_official_site() -> None:
    found = render(Message(NAME, "mail", "a@example.org", "credential", VALUES))
    assert messages.text("letter-help", "es") in found.text
    assert messages.text("letter-help", "en") in found.text
