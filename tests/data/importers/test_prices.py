"""Prices as shops write them."""

import pytest

from Data.importers.prices import parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("15.00 EUR", "15.00", "EUR"),
        ("EUR 15.00", "15.00", "EUR"),
        ("EUR15.00", "15.00", "EUR"),
        ("15,00 EUR", "15.00", "EUR"),
        ("15,00 €", "15.00", "EUR"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("1,299.00 USD", "1299.00", "USD"),
        ("1 299,00 EUR", "1299.00", "EUR"),
        ("1\u202f299,50 EUR", "1299.50", "EUR"),
        ("1'299.50 CHF", "1299.50", "CHF"),
        ("₩79,000", "79000", "KRW"),
        ("79.000 KRW", "79000", "KRW"),
        ("79000 krw", "79000", "KRW"),
        ("1.234.567 IDR", "1234567", "IDR"),
        ("1,299 EUR", "1299", "EUR"),
        ("0.500 KWD", "0.500", "KWD"),
        ("15 EUR", "15", "EUR"),
        ("15,- EUR", "15", "EUR"),
        ("-5.00 EUR", "-5.00", "EUR"),
        (".50 EUR", ".50", "EUR"),
        ("12.5", "12.5", "GBP"),
        ("", None, "GBP"),
        ("  ", None, "GBP"),
    ],
)
def test_prices(text: str, amount: str | None, currency: str) -> None:
    assert parse_price(text, "GBP") == (amount, currency)


@pytest.mark.parametrize("text", ["free", "15 XYZ", "$15.00", "1.2.3,4,5", "EUR", "15 EUR / 17 USD", "1e5 EUR", "NaN"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a price such as 15\.00 EUR"):
        parse_price(text)
