"""Defects of a provider's price series: each is found and named, and repaired where the series proves it.

A series here is restated for its splits by the provider, so no price may jump by a split's ratio, and its
adjusted closes differ from its closes by its dividends: before a dividend d that goes ex after a close p they
are lower by d / p. What contradicts that is a defect. A false repair is worse than a miss: where the series
bears two readings, the defect is named and the values stay; docs/methods/price-repairs.md says more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal[
    "no prices",
    "price in another unit",
    "split applied to some rows",
    "dividend not adjusted for",
    "dividend adjustment in another unit",
    "dividend adjustment wrong",
    "dividend in another unit",
    "dividend said twice",
    "dividend on the wrong day",
    "capital gains counted twice",
    "dividend and adjustment disagree",
]
KINDS: frozenset[Kind] = frozenset(get_args(Kind))
PRICE_KINDS: frozenset[Kind] = frozenset({"price in another unit", "split applied to some rows"})
DIVIDEND_KINDS: frozenset[Kind] = KINDS - PRICE_KINDS - {"no prices"}

SUBUNITS = frozenset({"GBp", "GBX", "ZAc", "ILA"})
"""Currencies that a provider quotes in hundredths, and mixes up with their whole units."""

UNIT = 100.0
TELLING_YIELD = 0.10
"""A dividend of a tenth of the price moves the price on its day, or it is none of that size."""

TELLING_DEVIATIONS = 4.0
"""So does one of four daily standard deviations; both are asked for."""

TINY_YIELD = 0.0005
SAME = 0.10
"""Relative difference up to which an adjustment is that of the dividend: adjusted closes are rounded."""

NOISE = 2e-5
"""Change of the ratio of adjusted close to close that rounding makes."""

AGREEING = (1 / 3, 3.0)
"""Adjustment over yield that another currency explains; nothing is repaired then."""

TWIN_DAYS = 5
SPLIT_ROWS = 30
"""A split is found half applied some weeks around its day."""

TRADED_ROWS = 20
"""The level of most of the last rows with a volume is the right one: stale quotes have none."""

LEAST_SPLIT = 0.5
"""Logarithm of the least ratio that is told from news; a 3:2 split is not."""


@dataclass(frozen=True)
class Bars:
    """Bars of one instrument in the order of time, as arrays of one length; a missing price is nan.

    `dividends`, `splits` (new shares for one old, 0 for none) and `capital_gains` stand on their ex-day.
    """

    days: Sequence[date]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adjusted_close: Floats
    volume: Floats
    dividends: Floats
    splits: Floats
    capital_gains: Floats


@dataclass(frozen=True)
class Defect:
    """One defect: what it is, the days it touches, the factor that mends it (nan where none), and why.

    `is_repaired` is false where it was found but the values were left.
    """

    kind: Kind
    first_day: date
    last_day: date
    factor: float
    reason: str
    is_repaired: bool


@dataclass(frozen=True)
class RepairedBars:
    """The series after its repairs, and the defects found; the bars are the same where none was repaired."""

    bars: Bars
    defects: tuple[Defect, ...]


@dataclass(frozen=True)
class _Event:
    """A dividend beside its price: place, last close before it, fall of the price, adjustment made for it."""

    place: int
    amount: float
    before: float
    drop: float
    adjustment: float

    @property
    def asked(self) -> float:
        """Yield: the adjustment that the dividend asks for."""
        return self.amount / self.before


def repair(bars: Bars, *, currency: str | None = None, kinds: Collection[Kind] = KINDS) -> RepairedBars:
    """Find the defects of a series and repair those that it proves.

    Parameters
    ----------
    currency : as the provider writes it; only for those quoted in hundredths is a whole history of tiny
        dividends taken for one in another unit.
    kinds : defects to look for; all by default.
    """
    defects: list[Defect] = []
    if "no prices" in kinds:
        defects += _gaps(bars)
    if "split applied to some rows" in kinds:
        bars, found = _half_applied_splits(bars)
        defects += found
    if "price in another unit" in kinds:
        bars, found = _other_units(bars)
        defects += found
    if DIVIDEND_KINDS & set(kinds):
        bars, found = _dividends(bars, currency)
        defects += [defect for defect in found if defect.kind in kinds]
    return RepairedBars(bars, tuple(defects))


# ---- prices ------------------------------------------------------------------------------------------------


def _gaps(bars: Bars) -> list[Defect]:
    """Runs of rows without a close, or with one of zero: no price is made up for them."""
    empty = ~(bars.close > 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False])).astype(np.int8)))
    return [
        Defect(
            "no prices",
            bars.days[first],
            bars.days[end - 1],
            float("nan"),
            f"{end - first} rows without a close above zero",
            False,
        )
        for first, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _half_applied_splits(bars: Bars) -> tuple[Bars, list[Defect]]:
    """Bring rows that a split was not applied to (or twice) to the basis of the newest rows around it."""
    defects: list[Defect] = []
    for place in _split_places(bars):
        ratio = float(bars.splits[place])
        size = abs(float(np.log(ratio)))
        if size < LEAST_SPLIT:
            continue
        steps = [
            (row, sign)
            for row, step in _steps(bars)
            if abs(row - place) <= SPLIT_ROWS
            for sign in (1, -1)
            if abs(step - sign * np.log(ratio)) <= 0.35 * size and _is_whole_row_step(bars, row, step)
        ]
        levels = np.zeros(len(bars.days), dtype=np.int64)
        for row, sign in steps:
            levels[:row] += sign
        if set(np.unique(levels)) - {-1, 0, 1} or len(np.unique(levels)) > 2:
            continue  # the jumps do not lead from one basis to the other and back
        for sign in (-1, 1):
            rows = levels == sign
            if rows.any():
                factor = ratio**sign
                bars = _scaled(bars, rows, factor, is_split=True)
                defects.append(
                    Defect(
                        "split applied to some rows",
                        bars.days[int(np.flatnonzero(rows)[0])],
                        bars.days[int(np.flatnonzero(rows)[-1])],
                        factor,
                        f"{rows.sum()} rows stand on the other side of the split of {bars.days[place]} "
                        f"({ratio:g} for 1) than the newest",
                        True,
                    )
                )
    return bars, defects


def _other_units(bars: Bars) -> tuple[Bars, list[Defect]]:
    """Bring rows a hundred times too high or low to the level at which the instrument is traded."""
    steps = [
        (row, int(np.sign(step)))
        for row, step in _steps(bars)
        if abs(abs(step) - np.log(UNIT)) <= 0.35 and _is_whole_row_step(bars, row, step)
    ]
    levels = np.zeros(len(bars.days), dtype=np.int64)
    for row, sign in steps:
        levels[row:] += sign
    known = np.unique(levels)
    if len(known) != 2 or not _splits_are_far(bars, [row for row, _ in steps]):
        return bars, []
    traded = levels[bars.volume > 0][-TRADED_ROWS:]
    if not traded.size:
        traded = levels[-TRADED_ROWS:]
    right = int(known[0] if (traded == known[0]).sum() > (traded == known[1]).sum() else known[1])
    wrong = levels != right
    places = np.flatnonzero(wrong)
    factor = UNIT ** float(right - int(levels[places[0]]))
    # A lasting step of a hundred may be a consolidation that the provider does not tell.
    is_sure = len(steps) > 1 or len(places) <= 2
    defect = Defect(
        "price in another unit",
        bars.days[int(places[0])],
        bars.days[int(places[-1])],
        factor,
        f"{len(places)} rows stand {'below' if factor > 1 else 'above'} the traded level by a hundred",
        is_sure,
    )
    return (_scaled(bars, wrong, factor) if is_sure else bars), [defect]


def _steps(bars: Bars) -> list[tuple[int, float]]:
    """Places of rows with a close, and the logarithm of the change from the close before."""
    places = np.flatnonzero(bars.close > 0)
    logs = np.log(bars.close[places])
    return list(zip(places[1:].tolist(), np.diff(logs).tolist(), strict=True))


def _is_whole_row_step(bars: Bars, row: int, step: float) -> bool:
    """Whether all prices of a row moved with its close: news moves within a day, a basis between days."""
    before = row - 1
    while before > 0 and not bars.close[before] > 0:
        before -= 1
    if step < 0:
        return bool(bars.high[row] < bars.low[before])
    return bool(bars.low[row] > bars.high[before])


def _splits_are_far(bars: Bars, rows: Sequence[int]) -> bool:
    """Whether no split stands near the steps that could explain them."""
    return all(abs(row - split) > SPLIT_ROWS for row in rows for split in _split_places(bars))


def _split_places(bars: Bars) -> list[int]:
    """Rows on which a split is said."""
    found: list[int] = np.flatnonzero((bars.splits > 0) & (bars.splits != 1)).tolist()
    return found


def _scaled(bars: Bars, rows: NDArray[np.bool_], factor: float, *, is_split: bool = False) -> Bars:
    """Prices of some rows times a factor; a split's factor divides the volume."""

    def times(values: Floats, by: float) -> Floats:
        return np.where(rows, values * by, values)

    return replace(
        bars,
        open=times(bars.open, factor),
        high=times(bars.high, factor),
        low=times(bars.low, factor),
        close=times(bars.close, factor),
        adjusted_close=times(bars.adjusted_close, factor),
        volume=times(bars.volume, 1 / factor) if is_split else bars.volume,
    )


# ---- dividends ---------------------------------------------------------------------------------------------


def _dividends(bars: Bars, currency: str | None) -> tuple[Bars, list[Defect]]:
    """Hold every dividend against the price on its day and against the adjustment made for it."""
    events = _events(bars)
    deviation = _deviation(bars)
    amounts = bars.dividends.copy()
    mended: dict[int, float] = {}
    """Adjustment wanted by place, where it is not the one made."""

    defects: list[Defect] = []

    def note(kind: Kind, event: _Event, amount: float, adjustment: float, factor: float, reason: str) -> None:
        amounts[event.place] = amount
        if not _close_to(adjustment, event.adjustment):
            mended[event.place] = adjustment
        day = bars.days[event.place]
        defects.append(Defect(kind, day, day, factor, reason, True))

    def leave(event: _Event, reason: str) -> None:
        day = bars.days[event.place]
        defects.append(Defect("dividend and adjustment disagree", day, day, float("nan"), reason, False))

    twins = _twins(bars, events)
    tiny = _tiny(events, deviation) if currency in SUBUNITS else frozenset()
    is_amount_wrong = _amounts_are_wrong(events, deviation)
    double_counted = _double_counted(bars, events)
    for event in events:
        asked, made = event.asked, event.adjustment
        too_large = _is_denied(event, deviation)
        share = made / asked if np.isfinite(made) else float("nan")
        if event.place in twins:
            note(
                "dividend said twice", event, 0.0, 0.0, 0.0,
                f"{event.amount:g} stands again within {TWIN_DAYS} days, where the price fell by it",
            )  # fmt: skip
        elif event.place in double_counted:
            note(
                "capital gains counted twice", event, event.amount, asked, asked / made,
                "the adjustment adds capital gains to a dividend that holds them",
            )  # fmt: skip
        elif event.place in tiny:
            note(
                "dividend in another unit", event, event.amount * UNIT, asked * UNIT, UNIT,
                f"a yield of {asked:.4%}, as of nearly all: an amount in hundredths of {currency}",
            )  # fmt: skip
        elif too_large and _close_to(made, asked) and (later := _later_drop(bars, event, deviation)):
            amounts[later] = event.amount
            before = _before(bars, later)
            mended[later] = event.amount / before
            note(
                "dividend on the wrong day", event, 0.0, 0.0, 1.0,
                f"the price fell by the dividend on {bars.days[later]}",
            )  # fmt: skip
        elif too_large and (_close_to(made, asked) or (abs(made) <= NOISE and is_amount_wrong)):
            note(
                "dividend in another unit", event, event.amount / UNIT, asked / UNIT, 1 / UNIT,
                f"{asked:.1%} of the price, which did not fall by it",
            )  # fmt: skip
        elif _close_to(share, 1 / UNIT) and (too_large or (is_amount_wrong and not _is_shown(event))):
            note(
                "dividend in another unit", event, event.amount / UNIT, made, 1 / UNIT,
                f"{asked:.1%} of the price, adjusted for by {made:.3%}",
            )  # fmt: skip
        elif _close_to(made, asked) or _is_adjusted_a_row_later(bars, event):
            continue
        elif too_large:
            leave(event, f"{asked:.1%} of the price, which did not fall by it; adjusted for by {made:.3%}")
        elif abs(made) <= max(NOISE, asked / UNIT / 5):
            note(
                "dividend not adjusted for", event, event.amount, asked, 1 - asked,
                f"closes before it are not lowered by its {asked:.2%}",
            )  # fmt: skip
        elif _close_to(share, 1 / UNIT):
            note(
                "dividend adjustment in another unit", event, event.amount, asked, UNIT,
                f"closes before it are lowered by {made:.4%} for {asked:.2%}",
            )  # fmt: skip
        elif _close_to(share, UNIT) and asked < TINY_YIELD and made < TELLING_YIELD:
            note(
                "dividend in another unit", event, event.amount * UNIT, made, UNIT,
                f"{asked:.4%} of the price, adjusted for by {made:.2%}",
            )  # fmt: skip
        elif not np.isfinite(made) or made < -NOISE or not AGREEING[0] < share < AGREEING[1]:
            note(
                "dividend adjustment wrong", event, event.amount, asked, asked / made,
                f"closes before it are lowered by {made:.4%} for {asked:.2%}",
            )  # fmt: skip
        else:
            leave(event, f"{asked:.2%} of the price, adjusted for by {made:.2%}")
    return _with_adjustments(bars, amounts, mended), defects


def _events(bars: Bars) -> list[_Event]:
    """Dividends that have a close before and on or after them."""
    made = _adjustments(bars)
    found = []
    for place in np.flatnonzero(bars.dividends > 0).tolist():
        before = _before(bars, place)
        if np.isfinite(before) and bars.close[place] > 0:
            amount = float(bars.dividends[place])
            found.append(_Event(place, amount, before, _drop(bars, place, before), float(made[place])))
    return found


def _adjustments(bars: Bars) -> Floats:
    """By how much the adjusted closes before each row are lowered for what happened on it; nan unknown."""
    shares = np.full(len(bars.days), np.nan)
    known = np.flatnonzero(bars.close > 0)
    shares[known] = bars.adjusted_close[known] / bars.close[known]
    made = np.zeros(len(bars.days))
    with np.errstate(divide="ignore", invalid="ignore"):
        made[known[1:]] = 1 - shares[known[:-1]] / shares[known[1:]]
    return made


def _before(bars: Bars, place: int) -> float:
    """Last close before a row; nan where there is none."""
    earlier = bars.close[:place]
    known = earlier[earlier > 0]
    return float(known[-1]) if known.size else float("nan")


def _drop(bars: Bars, place: int, before: float) -> float:
    """Fall from a close to the low of a row, as a share; below zero where the low is higher."""
    low = bars.low[place] if bars.low[place] > 0 else bars.close[place]
    return 1 - float(low) / before


def _deviation(bars: Bars) -> float:
    """Standard deviation of daily changes, without jumps by half or more; at least half a percent."""
    steps = np.array([step for _, step in _steps(bars)])
    usual = steps[np.abs(steps) < 0.5]
    return max(0.005, float(usual.std())) if usual.size > 1 else 0.02


def _is_telling(share: float, deviation: float) -> bool:
    """Whether a price that did not fall by a share of it says that there was no such dividend."""
    return share > max(TELLING_YIELD, TELLING_DEVIATIONS * deviation)


def _is_shown(event: _Event) -> bool:
    """Whether the price fell by at least half of a dividend."""
    return event.asked < 1 and event.drop >= event.asked / 2


def _is_denied(event: _Event, deviation: float) -> bool:
    """Whether a dividend is too large to go unseen, and the price did not fall by half of it."""
    return _is_telling(event.asked, deviation) and not _is_shown(event)


def _close_to(value: float, wanted: float) -> bool:
    """Whether two adjustments are the same but for rounding."""
    if not np.isfinite(value) or not np.isfinite(wanted):
        return False
    return bool(abs(value - wanted) <= SAME * abs(wanted) + min(NOISE, abs(wanted)))


def _amounts_are_wrong(events: Sequence[_Event], deviation: float) -> bool:
    """Whether some dividend is a hundred times its adjustment, and the price denies the dividend."""
    return any(
        _close_to(event.adjustment / event.asked, 1 / UNIT) and _is_denied(event, deviation)
        for event in events
        if np.isfinite(event.adjustment)
    )


def _twins(bars: Bars, events: Sequence[_Event]) -> frozenset[int]:
    """Of two equal dividends within days in a series without such: the one that the price shows less."""
    pairs = [
        (a, b)
        for a, b in pairwise(events)
        if (bars.days[b.place] - bars.days[a.place]).days <= TWIN_DAYS
        and abs(a.amount - b.amount) <= 0.01 * a.amount
    ]
    if len(pairs) > 0.2 * len(events) + 1:
        return frozenset()  # it pays that often
    return frozenset(min(pair, key=lambda one: one.drop).place for pair in pairs)


def _tiny(events: Sequence[_Event], deviation: float) -> frozenset[int]:
    """Dividends a hundredth of a believable one, where nearly all are and the price fell by the larger."""
    tiny = [
        event for event in events if event.asked < TINY_YIELD and _close_to(event.adjustment, event.asked)
    ]
    if len(tiny) < 3 or len(tiny) < 0.7 * len(events):
        return frozenset()
    asked = np.array([event.asked for event in tiny]) * UNIT
    drops = np.array([event.drop for event in tiny])
    is_likelier = float((2 * drops * asked - asked**2).sum()) > 2 * deviation**2
    return frozenset(event.place for event in tiny) if is_likelier else frozenset()


def _double_counted(bars: Bars, events: Sequence[_Event]) -> frozenset[int]:
    """Dividends whose adjustment is theirs plus the day's capital gains, where prices fell by the dividend.

    All such events of a series are taken together: the fall of the price is that of the close.
    """
    found = []
    nearer = 0.0
    for event in events:
        gains = float(bars.capital_gains[event.place])
        both = (event.amount + gains) / event.before
        if gains > 0 and event.amount >= gains and _close_to(event.adjustment, both):
            found.append(event.place)
            fall = 1 - float(bars.close[event.place]) / event.before
            nearer += abs(fall - both) - abs(fall - event.asked)
    return frozenset(found) if nearer > 0 else frozenset()


def _later_drop(bars: Bars, event: _Event, deviation: float) -> int | None:
    """The next row, where the price fell there by a dividend that it denies on its own day."""
    place = event.place + 1
    if place >= len(bars.days) or bars.dividends[place] > 0 or not bars.close[event.place] > 0:
        return None
    share = event.amount / float(bars.close[event.place])
    is_shown = share < 1 and _drop(bars, place, float(bars.close[event.place])) >= 0.75 * share
    return place if is_shown and _is_telling(share, deviation) else None


def _is_adjusted_a_row_later(bars: Bars, event: _Event) -> bool:
    """Whether the row after makes up for the adjustment: bars of weeks start before the ex-day."""
    if abs(event.adjustment) > NOISE or event.place + 1 >= len(bars.days):
        return False
    made = float(_adjustments(bars)[event.place + 1])
    return _close_to(made, event.amount / float(bars.close[event.place])) or _close_to(made, event.asked)


def _with_adjustments(bars: Bars, amounts: Floats, mended: dict[int, float]) -> Bars:
    """Bars with other dividends, and adjusted closes made again where an adjustment is another."""
    if not mended:
        return bars if np.array_equal(amounts, bars.dividends) else replace(bars, dividends=amounts)
    made = _adjustments(bars)
    wanted = made.copy()
    for place, adjustment in mended.items():
        wanted[place] = adjustment
    wanted[~np.isfinite(wanted)] = 0.0
    last = max(mended)
    known = np.flatnonzero(bars.close > 0)
    anchor = known[known >= last][0]
    share = float(bars.adjusted_close[anchor] / bars.close[anchor])
    adjusted = bars.adjusted_close.copy()
    for row in range(anchor - 1, -1, -1):
        share *= 1 - float(wanted[row + 1])
        if bars.close[row] > 0:
            adjusted[row] = bars.close[row] * share
    return replace(bars, dividends=amounts, adjusted_close=adjusted)
