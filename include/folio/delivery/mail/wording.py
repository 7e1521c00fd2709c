"""How money, fractions and days read in a mail, and what stands where a figure is not available."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "\N{MINUS SIGN}"
NARROW_GAP = "\N{NO-BREAK SPACE}"
CENTS = Decimal("0.01")


@dataclass(frozen=True)
class Missing:
    """A figure that cannot be shown, and why; it never reads as zero."""

    reason: str

    def __str__(self) -> str:
        return f"not available: {self.reason}"


Figure = Decimal | Missing


def money(amount: Figure, currency: str, *, signed: bool = False) -> str:
    """Amount with its currency code and grouped digits, to the cent: `EUR 1,234,567.89`, `INR 12,34,567.89`.

    `signed` writes a plus before gains; a loss always carries its minus.
    """
    if isinstance(amount, Missing):
        return str(amount)
    rounded = amount.quantize(CENTS, rounding=ROUND_HALF_EVEN)
    whole, cents = f"{abs(rounded):f}".split(".")
    digits = _lakhs(whole) if currency == "INR" else f"{int(whole):,}"
    return f"{_sign(rounded, signed)}{currency}{NARROW_GAP}{digits}.{cents}"


def percent(fraction: Figure, *, signed: bool = False, decimals: int = 2) -> str:
    """Fraction as a percentage: 0.0712 reads `7.12 %`."""
    if isinstance(fraction, Missing):
        return str(fraction)
    rounded = (fraction * 100).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    return f"{_sign(rounded, signed)}{abs(rounded):f}{NARROW_GAP}%"


def day(value: date) -> str:
    """Day with its month in letters, so that no reader takes it for another: `28 Feb 2013`."""
    return f"{value.day}{NARROW_GAP}{value:%b}{NARROW_GAP}{value.year}"


def month(value: date) -> str:
    """Month and year of a day: `February 2013`."""
    return f"{value:%B} {value.year}"


def instant(value: datetime) -> str:
    """Aware instant in UTC, to the minute."""
    return f"{day(value.date())}, {value:%H:%M} UTC"


def one_line(text: str) -> str:
    """Text fit for a header: every run of white space is one space, so that nothing can start a new line."""
    return " ".join(text.split())


def _sign(value: Decimal, signed: bool) -> str:
    if value < 0:
        return MINUS
    return "+" if signed and value > 0 else ""


def _lakhs(whole: str) -> str:
    """Digits in Indian groups: the last three, then pairs."""
    head, tail = whole[:-3], whole[-3:]
    pairs = []
    while head:
        pairs.append(head[-2:])
        head = head[:-2]
    return ",".join([*reversed(pairs), tail])
