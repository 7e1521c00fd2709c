"""Column types of book files: text in, exact values out, with reasons a bookkeeper can act on."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

CURRENCIES = frozenset(
    (
        "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CYP", "CZK", "DKK", "EEK", "EUR", "GBP",
        "HKD", "HRK", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "LTL", "LVL", "MTL",
        "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "ROL", "RON", "RUB", "SEK", "SGD", "SIT",
        "SKK", "THB", "TRL", "TRY", "USD", "ZAR",
    )
)  # fmt: skip
"""Currencies that have, or once had, a euro reference rate: others cannot be valued."""

_KEY = re.compile(r"[^\s|](?:[^|\n\r\t]*[^\s|])?")
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?(\d+)(?:\.(\d+))?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value


def _key(value: object) -> str:
    text = _text(value)
    if len(text) > 200 or not _KEY.fullmatch(text):
        raise ValueError(f"{text!r} is not a key: at most 200 characters, none of them | or a line break")
    return text


def _code(value: object) -> str:
    text = _text(value)
    if not _CODE.fullmatch(text):
        raise ValueError(f"{text!r} is not a code: lower-case letters, digits and _")
    return text


def _country(value: object) -> str:
    text = _text(value)
    if not _COUNTRY.fullmatch(text):
        raise ValueError(f"{text!r} is not a two-letter ISO country code")
    return text


def _email(value: object) -> str:
    text = _text(value)
    if not _EMAIL.fullmatch(text):
        raise ValueError(f"{text!r} is not an e-mail address")
    return text


def _currency(value: object) -> str:
    text = _text(value)
    if text not in CURRENCIES:
        raise ValueError(f"{text!r} is not a currency that Folio knows")
    return text


def _day(value: object) -> date:
    if type(value) is date:
        return value
    text = _text(value)
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise ValueError(f"{text!r} is not a day of the calendar ({wrong})") from None


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    text = _text(value)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant of the form YYYY-MM-DDTHH:MM:SSZ") from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC: write Z or +05:30 after it")
    return instant.astimezone(UTC)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value)
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _number(whole: int, decimals: int) -> Callable[[object], Decimal]:
    """Reader of a plain number >= 0 with at most `whole` digits before and `decimals` after the point."""

    def read(value: object) -> Decimal:
        text = f"{value:f}" if isinstance(value, Decimal) else _text(value)
        match = _NUMBER.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a number (digits and one point; no exponent, comma or NaN)")
        if text.startswith("-") and Decimal(text) != 0:
            raise ValueError(f"{text} is negative: the kind gives the direction, numbers are positive")
        if len(match[1].lstrip("0")) > whole:
            raise ValueError(f"{text} is too large")
        if len((match[2] or "").rstrip("0")) > decimals:
            raise ValueError(f"{text} has more than {decimals} decimals")
        return abs(Decimal(text))

    return read


def whole_number(value: object) -> int:
    """A count such as of days: digits only, at most nine."""
    if type(value) is int:
        return value
    text = _text(value)
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


_ratio = _number(8, 12)


def _fraction(value: object) -> Decimal:
    ratio = _ratio(value)
    if ratio > 1:
        raise ValueError(f"{ratio} is above 1: write a fraction, 0.25 for a quarter")
    return ratio


Key = Annotated[str, BeforeValidator(_key)]
"""Name that a book gives to something of its own."""
Text = Annotated[str, BeforeValidator(_text)]
Code = Annotated[str, BeforeValidator(_code)]
Country = Annotated[str, BeforeValidator(_country)]
Email = Annotated[str, BeforeValidator(_email)]
Currency = Annotated[str, BeforeValidator(_currency)]
Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Money = Annotated[Decimal, BeforeValidator(_number(20, 8))]
Units = Annotated[Decimal, BeforeValidator(_number(20, 18))]
Price = Annotated[Decimal, BeforeValidator(_number(18, 10))]
Rate = Annotated[Decimal, BeforeValidator(_number(16, 12))]
Fraction = Annotated[Decimal, BeforeValidator(_fraction)]
"""Share of a whole, 0 to 1."""
