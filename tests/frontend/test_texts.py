"""Both languages say the same things with the same blanks to fill."""

import re
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest

from Frontend import formats
from Frontend.texts import ENGLISH, KOREAN, Language, Texts, choose_language
from Frontend.texts_statistics import StatisticsTexts


def blanks(sentence: str) -> set[str]:
    """Return the names between braces."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("name", [field.name for field in fields(Texts) if field.name != "categories"])
def test_every_sentence_has_the_same_blanks(name: str) -> None:
    english, korean = getattr(ENGLISH, name), getattr(KOREAN, name)
    assert english
    assert korean
    assert english != korean
    assert blanks(english) == blanks(korean)


@pytest.mark.parametrize("kind", [Texts, StatisticsTexts])
def test_every_sentence_is_said_somewhere(kind: type, repository: Path) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (repository / "Frontend").rglob("*.py"))
    assert [field.name for field in fields(kind) if not re.search(rf"\.{field.name}\b", code)] == []


def test_both_languages_name_the_same_13_categories() -> None:
    assert ENGLISH.categories.keys() == KOREAN.categories.keys()
    assert len(ENGLISH.categories) == 13


@pytest.mark.parametrize(
    ("setting", "locale", "asked", "chosen"),
    [
        ("auto", "ko-KR", None, "ko"),
        ("auto", "de-DE", None, "en"),
        ("auto", None, None, "en"),
        ("en", "ko-KR", None, "en"),
        ("en", "en-US", "ko", "ko"),
        ("auto", "ko-KR", "xx", "ko"),
    ],
)
def test_the_language_is_the_askers(setting: Language, locale: str | None, asked: str | None, chosen: str) -> None:
    assert choose_language(setting, locale, asked) == chosen


@pytest.mark.parametrize(
    ("amount", "currency", "language", "words"),
    [
        ("39000", "KRW", "en", "₩39,000"),
        ("39000", "KRW", "ko", "39,000원"),
        ("59.25", "EUR", "en", "€59.25"),
        ("1234.5", "USD", "ko", "$1,234.50"),
        ("199.995", "SEK", "en", "200.00 SEK"),
        ("1200", "JPY", "en", "¥1,200"),
    ],
)
def test_prices_read_as_prices(amount: str, currency: str, language: Language, words: str) -> None:
    assert formats.price(Decimal(amount), currency, language) == words


@pytest.mark.parametrize(("share", "words"), [(0, "0%"), (0.001, "<1%"), (0.874, "87%"), (0.999, "99%"), (1, "100%")])
def test_shares_never_claim_more_than_they_are(share: float, words: str) -> None:
    assert formats.percent(share) == words
