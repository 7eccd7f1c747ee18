"""Prices as shops write them: `EUR 15.00`, `15,00 EUR`, `1.299,00 €`, `₩ 79,000`."""

import re

from Data.money import CURRENCIES, WHOLE_CURRENCIES

# Signs of several currencies ($, ¥, kr) are left out: only the shop knows which one is meant.
SIGNS = {"€": "EUR", "£": "GBP", "₩": "KRW", "₹": "INR", "₺": "TRY", "₽": "RUB", "₫": "VND", "₪": "ILS", "zł": "PLN"}

_CODE = re.compile(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])")
# How most are written; what the rest of the rules makes of such a one is itself.
_USUAL = re.compile(r"[0-9]+(?:\.[0-9]{1,2})?")
_BLANKS = re.compile(r"[\s\u00a0\u202f'’]+")
_AMOUNT = re.compile(r"-?\d[\d.,]*|-?[.,]\d+")


def parse_price(text: str, currency: str | None = None) -> tuple[str | None, str | None]:
    """Return a price's amount, written with a point and nothing else, and its currency.

    Args:
        text: as the shop writes it; blank text has no amount.
        currency: where the text names none.
    Raises:
        ValueError: this is no price; the message is a sentence.
    """
    said = text.strip()
    if not said:
        return None, currency
    if _USUAL.fullmatch(said):
        return said, currency
    rest = said
    code = _CODE.search(said)
    if code is not None and code.group().upper() in CURRENCIES:
        currency = code.group().upper()
        rest = said[: code.start()] + said[code.end() :]
    else:
        sign = next((sign for sign in SIGNS if sign in said), None)
        if sign is not None:
            currency, rest = SIGNS[sign], said.replace(sign, "", 1)
    number = _BLANKS.sub("", rest)
    if number[:1] == "+":
        number = number[1:]
    if number.endswith((",-", ".-", ",–", ".–")):  # "15,-" is how some write a whole amount
        number = number[:-2]
    if _AMOUNT.fullmatch(number) is None:
        raise ValueError(f"{said[:40]!r} is not a price such as 15.00 EUR.")
    return _plain(number, currency), currency


def _plain(number: str, currency: str | None) -> str:
    """Return the amount with a decimal point and without thousands separators.

    Of two different separators the last one is the decimal one; one that stands several times separates thousands. A
    single comma before three digits does so too, and a single point where the currency has no decimals.
    """
    points, commas = number.count("."), number.count(",")
    if points and commas:
        decimal = max(".,", key=number.rfind)
        if number.count(decimal) > 1:
            raise ValueError(f"{number[:40]!r} is not a price such as 15.00 EUR.")
        thousands = "," if decimal == "." else "."
        return number.replace(thousands, "").replace(decimal, ".")
    if points + commas > 1:
        return number.replace(".", "").replace(",", "")
    digits = len(number) - 1 - max(number.find("."), number.find(","))
    if commas and digits == 3:
        return number.replace(",", "")
    if points and digits == 3 and currency in WHOLE_CURRENCIES:
        return number.replace(".", "")
    return number.replace(",", ".")
