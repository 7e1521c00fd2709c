"""Look for defects in a chart of Yahoo that has landed, and write each down as a finding of the night.

A chart is one answer, so all its prices stand on one basis; raw holds it as it was said. Whoever reads the
finding has the days, the factor that mends them and the reason.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg

from folio.figures.prices import repairs
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.settings import settings
from folio.sources import payloads
from folio.sources.connectors import yahoo
from folio.sources.landing import Load

Row = Sequence[Any]


def record_defects(connection: psycopg.Connection[Any], night: Night, load: Load) -> list[repairs.Defect]:
    """Defects of the chart of a loaded slot, each recorded once a symbol and kind; commits."""
    if load.status != "loaded" or load.payload_sha256 is None:
        return []
    body = payloads.read(settings().payload_folder, load.payload_sha256)
    bars, dividends, splits = (
        list(parse(body, load).rows)  # type: ignore[arg-type]
        for parse in (yahoo.parse_bars, yahoo.parse_dividends, yahoo.parse_splits)
    )
    if not bars:
        return []
    currency = next((row[8] for row in bars if row[8]), None)
    defects = list(repairs.repair(_series(bars, dividends, splits), currency=currency).defects)
    symbol = str(bars[0][1])
    for kind in sorted({defect.kind for defect in defects}):
        these = [defect for defect in defects if defect.kind == kind]
        expectations.record(
            connection,
            night.id,
            check_name=kind,
            subject=f"yahoo {symbol}",
            severity="warn",
            status="warned",
            observed="; ".join(
                f"{one.first_day} to {one.last_day}, to be multiplied by {one.factor:.6g}" for one in these
            ),
            expected="none",
            note="; ".join(dict.fromkeys(one.reason for one in these)),
        )
    connection.commit()
    return defects


def _series(bars: Sequence[Row], dividends: Sequence[Row], splits: Sequence[Row]) -> repairs.Bars:
    """Rows of a chart as arrays; an event stands on the first bar on or after its day."""
    rows = sorted(bars, key=lambda row: row[0])
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
