"""Prices and shares as a person reads them."""

from decimal import ROUND_HALF_UP, Decimal

from Frontend.texts import Language

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"}
# ISO 4217 currencies without a minor unit.
WHOLE_CURRENCIES = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905
)


def price(amount: Decimal, currency: str, language: Language) -> str:
    """Return an amount of money in words: `₩39,000`, in Korean `39,000원`, `€59.25`, `59.25 SEK`."""
    step = Decimal(1) if currency in WHOLE_CURRENCIES else Decimal("0.01")
    number = f"{amount.quantize(step, ROUND_HALF_UP):,}"
    if currency == "KRW" and language == "ko":
        return f"{number}원"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def percent(share: float) -> str:
    """Return a share in [0, 1] in whole percent; never 100 % for what is less than certain, nor 0 % for what is not."""
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        return "<1%"
    return f"{whole}%"
