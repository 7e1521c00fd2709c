"""Exact values out of JSON payloads: numbers as decimals, days as dates, several pages as one document."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from folio.errors import PayloadError

MOST_DECIMALS = 10
"""Decimals that raw keeps of a price."""


def document(body: bytes) -> Any:
    """JSON value with exact decimals; PayloadError where the body is not whole JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise PayloadError(f"not whole JSON: {fault}") from None


def mapping(body: bytes) -> dict[str, Any]:
    """JSON object with exact decimals; PayloadError where the body is none."""
    value = document(body)
    if not isinstance(value, dict):
        raise PayloadError(f"JSON, but a {type(value).__name__} where an object is wanted")
    return value


def paged(bodies: Iterable[bytes]) -> bytes:
    """Several JSON answers as one document `{"pages": [...]}`, byte for byte as they came."""
    return b'{"pages":[' + b",".join(bodies) + b"]}"


def number(value: object, name: str) -> Decimal:
    """Exact number of a JSON value or text; ValueError, naming it, where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{name} is no number: {value!r}")
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{name} is no number: {value!r}") from None
    if not exact.is_finite():
        raise ValueError(f"{name} is no number: {value!r}")
    return exact


def positive(value: object, name: str) -> Decimal:
    """Exact number above zero; ValueError, naming it, where it is none."""
    exact = number(value, name)
    if exact <= 0:
        raise ValueError(f"{name} is not positive: {exact}")
    return exact


def not_negative(value: object, name: str) -> Decimal:
    """Exact number of at least zero; ValueError, naming it, where it is none."""
    exact = number(value, name)
    if exact < 0:
        raise ValueError(f"{name} is negative: {exact}")
    return exact


def price(value: object, name: str) -> Decimal:
    """Exact number that is above zero with the decimals that raw keeps; ValueError, naming it, else."""
    exact = positive(value, name)
    if round(exact, MOST_DECIMALS) <= 0:
        raise ValueError(f"{name} is smaller than raw can keep: {exact}")
    return exact


def volume(value: object, name: str) -> Decimal | None:
    """Traded volume, None where none is said; ValueError, naming it, where it is negative or no number."""
    return None if value is None or value == "" else not_negative(value, name)


def bar_prices(
    values: Mapping[str, object], names: tuple[str, str, str, str]
) -> tuple[Decimal | None, Decimal | None, Decimal | None, Decimal]:
    """Open, high, low (each may be absent) and close of a bar, of the names given in that order.

    Raises
    ------
    ValueError
        A price is no positive number, or the close lies outside low to high.
    """
    opened, high, low = (
        None if values.get(name) is None else price(values[name], name) for name in names[:3]
    )
    close = price(values.get(names[3]), names[3])
    if high is not None and low is not None and not low <= close <= high:
        raise ValueError(f"{names[3]} {close} lies outside {names[2]} {low} to {names[1]} {high}")
    return opened, high, low, close


def day(value: object, name: str) -> date:
    """Date of ISO text; ValueError, naming it, where it is none."""
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{name} is no date: {value!r}") from None


def instant(milliseconds: object, name: str) -> datetime:
    """Aware UTC instant of milliseconds since 1970; ValueError, naming it, where they are none."""
    exact = number(milliseconds, name)
    try:
        return datetime.fromtimestamp(float(exact) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError(f"{name} is no instant: {milliseconds!r}") from None


def text(value: object) -> str:
    """A JSON value as one line of text, for rejected rows."""
    return json.dumps(value, default=str, sort_keys=True)


def in_short(said: object) -> str:
    """What a provider says is wrong, on one line of bounded length."""
    return " ".join(str(said).split())[:200]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
