"""Cells of exports: numbers, money, days and instants in the many ways in which sources write them."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from folio.books.fields import CURRENCIES

SYMBOLS = {"€": "EUR", "£": "GBP", "$": "USD", "₹": "INR", "¥": "JPY"}

_SPACES = re.compile(r"[\s\u00a0\u202f']")
_PLAIN = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS = {",": re.compile(r"\d{1,3}(?:,\d{3})+"), ".": re.compile(r"\d{1,3}(?:\.\d{3})+")}
_CODE = re.compile(r"^[A-Z]{3}(?=[-+\d])|(?<=[\d.])[A-Z]{3}$")
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def number(text: str, decimal: str = ".") -> Decimal:
    """Number with `decimal` as its decimal mark where the text alone does not tell; ValueError else.

    Of two kinds of marks the last is the decimal one. A single mark that cannot part thousands is decimal
    whatever the format says. Signs may stand before or behind a currency symbol, brackets mean minus.
    """
    return money(text, decimal)[0]


def money(text: str, decimal: str = ".") -> tuple[Decimal, str | None]:
    """Number and the currency written with it, if any; ValueError where it is no number."""
    bare = _SPACES.sub("", text).replace("\u2212", "-")
    currency = next((code for symbol, code in SYMBOLS.items() if symbol in bare), None)
    for symbol in SYMBOLS:
        bare = bare.replace(symbol, "")
    if code := _CODE.search(bare):
        currency, bare = code[0], bare.replace(code[0], "")
    negative = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    digits = _one_point(bare.strip("()").lstrip("+-"), decimal)
    if not _PLAIN.fullmatch(digits):
        raise ValueError(f"{text!r} is not a number")
    value = Decimal(digits)
    return (-value if negative else value), currency


def _one_point(digits: str, decimal: str) -> str:
    """Digits with one point at most, thousands marks taken out."""
    if "," in digits and "." in digits:
        mark = max(",.", key=digits.rfind)
    elif "," in digits or "." in digits:
        only = "," if "," in digits else "."
        parts_thousands = only != decimal and _THOUSANDS[only].fullmatch(digits)
        mark = {",": ".", ".": ","}[only] if parts_thousands or digits.count(only) > 1 else only
    else:
        return digits
    other = {",": ".", ".": ","}[mark]
    whole, _, fraction = digits.replace(other, "").partition(mark)
    return f"{whole}.{fraction}" if fraction else whole


def day(text: str, patterns: Sequence[str]) -> date:
    """Day written in one of some patterns of `strptime`; ValueError names them."""
    for pattern in patterns:
        try:
            return datetime.strptime(text.strip(), pattern).date()
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not a day of the form {' or '.join(map(_shown, patterns))}")


def instant(text: str, patterns: Sequence[str], zone: str) -> datetime:
    """Instant in UTC of a local time in a zone, or of a time with its own offset (ISO 8601)."""
    bare = text.strip()
    try:
        home = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{zone!r} is not a time zone") from None
    for pattern in patterns:
        try:
            read = datetime.fromisoformat(bare) if pattern == "iso" else datetime.strptime(bare, pattern)
        except ValueError:
            continue
        local = read if read.tzinfo else read.replace(tzinfo=home)
        return local.astimezone(UTC)
    raise ValueError(f"{text!r} is not a time of the form {' or '.join(map(_shown, patterns))}")


def _shown(pattern: str) -> str:
    words = {
        "iso": "YYYY-MM-DDTHH:MM:SSZ", "%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%b": "Mon",
        "%H": "HH", "%M": "MM", "%S": "SS", "%f": "f", "%I": "hh", "%p": "AM",
    }  # fmt: skip
    for sign, word in words.items():
        pattern = pattern.replace(sign, word)
    return pattern


def is_isin(text: str) -> bool:
    """Whether a text has the form of an ISIN: two letters, nine characters, a digit (ISO 6166).

    Its check digit is left to the review of names: sources have identifiers of this form of their own.
    """
    return _ISIN.fullmatch(text) is not None


def is_money(code: str) -> bool:
    """Whether an asset's code is that of a currency that Folio knows; others are coins."""
    return code in CURRENCIES


def mended(text: str) -> str:
    """Text whose UTF-8 was once taken for Windows letters, set right (`CrÃ©dito`); other text as it is."""
    if "Ã" not in text and "Â" not in text:
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
