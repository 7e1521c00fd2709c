"""Real series with known defects: found, named, repaired as expected; clean series are never touched."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from folio.figures.prices import repairs
from tests.real_inputs.repair_cases import (
    CONTRADICTORY,
    FOLDER,
    are_alike,
    bars_of,
    currency_of,
    judged,
    kinds_of,
    table,
)

pytestmark = pytest.mark.shared_data

QUICK = ("AET-L-1d-100x-error", "MOB-ST-1d-bad-stock-split", "TEP-PA-1d-bad-div", "EWG-1d-no-bad-divs")
CLEAN = ("CALM-1d-no-bad-divs", "EWG-1d-no-bad-divs", "HSBK-IL-1d-no-bad-divs", "KMR-L-1d-no-bad-divs")


def cases(shared: Path) -> list[Path]:
    folder = shared / "data" / FOLDER
    return [path for path in sorted(folder.iterdir()) if not path.name.endswith("-fixed.csv.gz")]


@pytest.mark.parametrize("case", QUICK)
def test_some_real_series_come_out_as_expected(case: str, shared: Path) -> None:
    verdict = judged(shared / "data" / FOLDER / f"{case}.csv.gz")
    assert verdict.outcome == ("untouched" if "no-bad" in case else "repaired")


@pytest.mark.exhaustive
def test_all_real_series_come_out_as_expected_and_none_is_falsely_touched(
    shared: Path, tell: Callable[[str], None]
) -> None:
    verdicts = [judged(path) for path in cases(shared)]
    tell(table(verdicts))

    def named(*outcomes: str) -> set[str]:
        return {verdict.case for verdict in verdicts if verdict.outcome in outcomes}

    assert named("falsely touched") == set()
    assert named("missed", "found only") <= CONTRADICTORY
    assert len(named("repaired")) >= 21
    assert all(verdict.defects for verdict in verdicts if verdict.outcome == "repaired")


@pytest.mark.exhaustive
def test_a_repaired_series_is_repaired_no_further(shared: Path) -> None:
    for path in sorted((shared / "data" / FOLDER).glob("*-fixed.csv.gz")):
        case = path.name.removesuffix("-fixed.csv.gz")
        bars = bars_of(path)
        again = repairs.repair(bars, currency=currency_of(case), kinds=kinds_of(case))
        assert not [defect for defect in again.defects if defect.is_repaired], case
        assert are_alike(again.bars, bars)


def _scaled_rows(bars: repairs.Bars, rows: slice, factor: float) -> repairs.Bars:
    def times(values: repairs.Floats) -> repairs.Floats:
        scaled = values.copy()
        scaled[rows] *= factor
        return scaled

    return replace(
        bars,
        open=times(bars.open),
        high=times(bars.high),
        low=times(bars.low),
        close=times(bars.close),
        adjusted_close=times(bars.adjusted_close),
    )


def _lowered_before(bars: repairs.Bars, place: int, factor: float) -> repairs.Bars:
    adjusted = bars.adjusted_close.copy()
    adjusted[:place] *= factor
    return replace(bars, adjusted_close=adjusted)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CLEAN)
@pytest.mark.parametrize("seed", range(5))
def test_defects_put_into_clean_series_are_found_and_mended(case: str, seed: int, shared: Path) -> None:
    clean = bars_of(shared / "data" / FOLDER / f"{case}.csv.gz")
    chance = np.random.default_rng(seed)
    place = int(chance.integers(100, len(clean.days) - 100))
    length = int(chance.integers(1, 40))
    for factor in (100.0, 0.01):
        dirty = _scaled_rows(clean, slice(place, place + length), factor)
        found = repairs.repair(dirty)
        assert {defect.kind for defect in found.defects} == {"price in another unit"}
        assert are_alike(found.bars, clean)

    splits = clean.splits.copy()
    splits[place] = 4.0
    dirty = replace(_scaled_rows(clean, slice(0, place - 3), 4.0), splits=splits)
    volume = dirty.volume.copy()
    volume[: place - 3] /= 4.0
    found = repairs.repair(replace(dirty, volume=volume))
    assert {defect.kind for defect in found.defects} == {"split applied to some rows"}
    assert are_alike(found.bars, clean)

    large = [
        row for row in np.flatnonzero(clean.dividends) if clean.dividends[row] / clean.close[row] > 0.005
    ]
    event = int(chance.choice(large))
    before = float(clean.close[event - 1])
    share = float(clean.dividends[event]) / before
    for made, kind in (
        (0.0, "dividend not adjusted for"),
        (share / 100, "dividend adjustment in another unit"),
    ):
        dirty = _lowered_before(clean, event, (1 - made) / (1 - share))
        found = repairs.repair(dirty)
        assert {defect.kind for defect in found.defects} == {kind}
        assert are_alike(found.bars, clean)

    amounts = clean.dividends.copy()
    amounts[event] *= 100
    found = repairs.repair(replace(clean, dividends=amounts))
    if share * 100 > repairs.TELLING_YIELD:
        assert {defect.kind for defect in found.defects} == {"dividend in another unit"}
        assert are_alike(found.bars, clean)
