"""What a sandbox answers to the providers' requests, whatever it answers from."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; recorded_at is when it was, or would have been, given by the provider."""

    status: int
    content_type: str
    body: bytes
    recorded_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitRow:
    """A split as Polygon tells it."""

    ticker: str
    execution_date: date
    split_from: str
    split_to: str


@dataclass(frozen=True)
class BarRow:
    """Unadjusted bar of a session: open, high, low, close, and the volume."""

    day: date
    prices: tuple[Decimal, Decimal, Decimal, Decimal]
    volume: Decimal


class Archive(Protocol):
    """What a sandbox can answer from. `as_of` is the instant asked about; None means all there is."""

    def navs(self, as_of: datetime | None) -> Answer | None:
        """AMFI's NAV file."""
        ...

    def nav_history(self, first: date, last: date, as_of: datetime | None) -> Answer | None:
        """AMFI's history report for the days between two, both included."""
        ...

    def bars(self, day: date, as_of: datetime | None) -> list[str] | None:
        """JSON objects of a day's bars; None where the day is not over yet."""
        ...

    def splits(self, as_of: datetime | None) -> list[SplitRow]:
        """Splits known, by execution date."""
        ...

    def ticker_bars(self, ticker: str, as_of: datetime | None) -> list[BarRow]:
        """Bars of one ticker in the order of days; none of a ticker that is not known."""
        ...

    def tickers(self, as_of: datetime | None) -> list[str]:
        """Tickers known, in order."""
        ...

    def dividends(self, as_of: datetime | None) -> list[dict[str, str]]:
        """Dividends known: ticker, ex_dividend_date, cash_amount and perhaps currency, dividend_type."""
        ...

    def scheme_navs(self, code: str, as_of: datetime | None) -> list[tuple[date, str]]:
        """NAVs of one scheme in the order of days; none of a scheme that is not known."""
        ...

    def rates(self, as_of: datetime | None) -> tuple[str, list[str]] | None:
        """Header and lines of the ECB's history, newest first; None where there is none."""
        ...

    def recorded_at(self, as_of: datetime | None) -> datetime:
        """Instant at which a computed answer counts as recorded."""
        ...


def zipped(name: str, text: str) -> bytes:
    """A zip that holds one file, the same bytes for the same text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (1999, 1, 4, 0, 0, 0)), text, zipfile.ZIP_DEFLATED, 1)
    return file.getvalue()


def crlf(lines: Iterable[str]) -> bytes:
    """Lines as AMFI ends them."""
    return "".join(f"{line}\r\n" for line in lines).encode()
