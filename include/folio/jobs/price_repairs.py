"""Look for defects in a chart of Yahoo that has landed: each is a finding, and what is proven is repaired.

A chart is one answer, so all its prices stand on one basis. Raw holds its bars as they were said, and beside
them, by day, the factor that brings their prices to that basis: a repair is a fact with a date and a source,
which marts apply and which ends when a later chart no longer shows the defect.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg

from folio.figures.prices import repairs
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.settings import settings
from folio.sources import payloads
from folio.sources.connectors import yahoo
from folio.sources.landing import Batch, Load

Row = Sequence[Any]


def parse_repairs(body: bytes, load: Load) -> Batch:
    """Factor of the prices of every bar of a chart, for raw.yahoo_price_repairs; line counts as the bars do.

    A bar without a proven defect has factor 1, so that a repair ends once the chart is right.
    """
    bars, dividends, splits = _parsed(body, load)
    if not bars:
        return Batch("yahoo_price_repairs", [])
    series = _series(bars, dividends, splits)
    repaired = repairs.repair(series, currency=_currency(bars), kinds=repairs.PRICE_KINDS)
    factors = repaired.bars.close / series.close
    rows = []
    for row, factor in zip(sorted(bars, key=_day), factors, strict=True):
        reasons = [
            f"{defect.kind}: {defect.reason}"
            for defect in repaired.defects
            if defect.is_repaired and defect.first_day <= row[0] <= defect.last_day
        ]
        exact = Decimal(f"{factor:.12g}")
        rows.append((row[0], row[1], exact, "; ".join(reasons) if exact != 1 else None, row[-1]))
    return Batch("yahoo_price_repairs", rows)


def record_defects(connection: psycopg.Connection[Any], night: Night, load: Load) -> list[repairs.Defect]:
    """Defects of the chart of a loaded slot, each recorded once a symbol and kind; commits."""
    if load.status != "loaded" or load.payload_sha256 is None:
        return []
    bars, dividends, splits = _parsed(payloads.read(settings().payload_folder, load.payload_sha256), load)
    if not bars:
        return []
    series = _series(bars, dividends, splits)
    defects = list(repairs.repair(series, currency=_currency(bars)).defects)
    for kind in sorted({defect.kind for defect in defects}):
        these = [defect for defect in defects if defect.kind == kind]
        is_applied = any(defect.is_repaired for defect in these) and kind in repairs.PRICE_KINDS
        kept = " Prices are used so; raw.yahoo_daily_bars keeps what was said." if is_applied else ""
        expectations.record(
            connection,
            night.id,
            check_name=kind,
            subject=f"yahoo {bars[0][1]}",
            severity="warn",
            status="warned",
            observed="; ".join(map(_in_words, these)),
            expected="none",
            note="; ".join(dict.fromkeys(one.reason for one in these)) + kept,
        )
    connection.commit()
    return defects


def _in_words(defect: repairs.Defect) -> str:
    """Days of a defect and what mends it."""
    days = f"{defect.first_day} to {defect.last_day}"
    if np.isnan(defect.factor):
        return f"{days}, left as said"
    is_applied = defect.is_repaired and defect.kind in repairs.PRICE_KINDS
    return f"{days}, {'multiplied' if is_applied else 'to be multiplied'} by {defect.factor:.6g}"


def _parsed(body: bytes, load: Load) -> tuple[list[Row], list[Row], list[Row]]:
    """Bars, dividends and splits of a chart, as rows of their raw tables."""
    bars, dividends, splits = (
        list(parse(body, load).rows)  # type: ignore[arg-type]
        for parse in (yahoo.parse_bars, yahoo.parse_dividends, yahoo.parse_splits)
    )
    return bars, dividends, splits


def _day(row: Row) -> Any:
    """Session of a bar."""
    return row[0]


def _currency(bars: Sequence[Row]) -> str | None:
    """Currency of the bars, as Yahoo writes it."""
    return next((row[8] for row in bars if row[8]), None)


def _series(bars: Sequence[Row], dividends: Sequence[Row], splits: Sequence[Row]) -> repairs.Bars:
    """Rows of a chart as arrays; an event stands on the first bar on or after its day."""
    rows = sorted(bars, key=_day)
    days = [row[0] for row in rows]

    def column(place: int) -> repairs.Floats:
        return np.array([np.nan if row[place] is None else float(row[place]) for row in rows])

    def on_days(events: Sequence[Row], value: Any) -> repairs.Floats:
        placed = np.zeros(len(days))
        for event in events:
            place = int(np.searchsorted(np.array(days), event[1]))
            if place < len(days):
                placed[place] += value(event)
        return placed

    opened, high, low, close, adjusted_close, volume = (column(place) for place in range(2, 8))
    return repairs.Bars(
        days=days,
        open=opened,
        high=high,
        low=low,
        close=close,
        adjusted_close=adjusted_close,
        volume=volume,
        dividends=on_days(dividends, lambda event: float(event[2])),
        splits=on_days(splits, lambda event: float(event[2] / event[3])),
        capital_gains=np.zeros(len(days)),
    )
