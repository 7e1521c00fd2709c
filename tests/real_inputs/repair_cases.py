"""Real series with known defects: read as price files, repaired, and held against the expected result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from folio.figures.prices import repairs
from folio.sources import price_files
from tests.real_inputs.expectations import body_of

FOLDER = "prices/yahoo_repair_cases"
FIGURES = ("open", "high", "low", "close", "adjusted_close", "volume", "dividends")

CONTRADICTORY = frozenset({"AV-L-1wk-bad-stock-split"})
"""Cases whose expected result Folio does not reach.

In the week of its capital return Aviva fell by the 101.69 that it paid, from 537 to 412; the expected file
takes the fall for a split not applied, and has the price fall a week later instead.
"""

Outcome = Literal["repaired", "missed", "untouched", "falsely touched", "found only"]


@dataclass(frozen=True)
class Verdict:
    """What came of one case."""

    case: str
    outcome: Outcome
    defects: tuple[repairs.Defect, ...]


def bars_of(path: Path) -> repairs.Bars:
    """Bars of a downloaded file in the order of time."""
    file = price_files.read(body_of(path))
    assert file.basis == "restated for splits"
    assert not file.rejected, file.rejected[:3]
    bars = sorted(file.bars, key=lambda bar: bar.at)

    def column(name: str, missing: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values = [getattr(bar, name) for bar in bars]
        return np.array([missing if value is None else float(value) for value in values])

    prices = [column(name, np.nan) for name in ("open", "high", "low", "close", "adjusted_close", "volume")]
    events = [column(name, 0.0) for name in ("dividend", "split", "capital_gain")]
    return repairs.Bars([bar.at.date() for bar in bars], *prices, *events)


def kinds_of(case: str) -> frozenset[repairs.Kind]:
    """The defects that a case's expected file repairs: it leaves others that the series may have besides."""
    if "no-bad" in case:
        return repairs.KINDS
    return repairs.DIVIDEND_KINDS if "bad-div" in case or "cg-" in case else repairs.PRICE_KINDS


def currency_of(case: str) -> str | None:
    """London is quoted in pence."""
    return "GBp" if "-L-" in case else None


def judged(path: Path) -> Verdict:
    """Repair one case and compare it with what is expected of it."""
    case = path.name.removesuffix(".csv.gz")
    bars = bars_of(path)
    result = repairs.repair(bars, currency=currency_of(case), kinds=kinds_of(case))
    wanted_path = path.with_name(f"{case}-fixed.csv.gz")
    is_repaired = any(defect.is_repaired for defect in result.defects)
    if not wanted_path.exists():
        same = not is_repaired and are_alike(result.bars, bars)
        return Verdict(case, "untouched" if same else "falsely touched", result.defects)
    if are_alike(result.bars, bars_of(wanted_path)):
        return Verdict(case, "repaired", result.defects)
    if is_repaired:
        return Verdict(case, "falsely touched", result.defects)
    return Verdict(case, "found only" if result.defects else "missed", result.defects)


def are_alike(found: repairs.Bars, wanted: repairs.Bars) -> bool:
    """Whether two series say the same: prices to a ten-thousandth; a volume may be missing in one of them."""
    for name in FIGURES:
        left, right = getattr(found, name), getattr(wanted, name)
        same = np.isclose(left, right, rtol=2e-2 if name == "volume" else 1e-4, atol=1e-12, equal_nan=True)
        if name == "volume":
            same |= np.isnan(left) | np.isnan(right)
        if not same.all():
            return False
    return True


def table(verdicts: list[Verdict]) -> str:
    """Verdicts as lines: case, outcome, and how many of which defect were found."""
    lines = []
    for verdict in verdicts:
        kinds = sorted({defect.kind for defect in verdict.defects})
        found = ", ".join(f"{sum(d.kind == kind for d in verdict.defects)} x {kind}" for kind in kinds)
        lines.append(f"{verdict.case:28} {verdict.outcome:16} {found or '-'}")
    counts = {one: sum(verdict.outcome == one for verdict in verdicts) for one in Outcome.__args__}  # type: ignore[attr-defined]
    return "\n".join([*lines, ", ".join(f"{name} {count}" for name, count in counts.items())])
