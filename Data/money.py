"""Exact money: Decimal in the program, whole ten-thousandths of the currency unit in the database and in filters."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

MONEY_SCALE = 10_000
"""Stored units per currency unit: four decimals are exact."""

_SMALLEST = Decimal("0.0001")

MONEY_LIMIT = 10**12
"""Prices must be below this many currency units; it keeps the stored integer within 64 bits."""

_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_DIVIDED = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CLF CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR JMD JOD KES KGS KHR KPW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP "
    "MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH USD USN UYU UYW UZS VED "
    "VES WST XCD XCG YER ZAR ZMW ZWG"
)

WHOLE_CURRENCIES = frozenset(_WHOLE.split())
"""ISO 4217 currencies without decimals."""

CURRENCIES = WHOLE_CURRENCIES | frozenset(_DIVIDED.split())
"""ISO 4217 codes of money in use."""


@lru_cache(maxsize=4096)  # a shop has few prices and many products
def parse_money(value: str) -> Decimal:
    """Return the amount as an exact Decimal without trailing zeros.

    Args:
        value: Plain decimal notation, 0 <= value < MONEY_LIMIT with at most four decimals.
    Raises:
        ValueError: not a number, negative, too large, or more than four decimals; the message is a reason.
    """
    try:
        amount = Decimal(value.strip())
    except InvalidOperation:
        raise ValueError(f"{value[:40]!r} is not an amount of money") from None
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    if amount < 0:
        raise ValueError(f"{amount} is negative")
    if amount >= MONEY_LIMIT:
        raise ValueError(f"{amount} is too large")
    rounded = amount.quantize(_SMALLEST)
    if rounded != amount:
        raise ValueError(f"{str(amount)[:40]} has more than four decimals")
    return from_units(to_units(rounded))


def to_units(amount: Decimal) -> int:
    """Return the amount as whole ten-thousandths."""
    return int(amount * MONEY_SCALE)


def from_units(units: int) -> Decimal:
    """Return whole ten-thousandths as a Decimal without trailing zeros (19.9, 19900; never 1.99E+4)."""
    whole, rest = divmod(units, MONEY_SCALE)
    return Decimal(whole) if rest == 0 else (Decimal(units) / MONEY_SCALE).normalize()
