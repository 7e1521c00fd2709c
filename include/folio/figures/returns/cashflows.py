"""Money-weighted return: the yearly rate at which dated cash flows have no net present value."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from folio.errors import CashFlowError, NoRateFound
from folio.figures.arrays import BoolArray, DateArray, FloatArray, IntArray
from folio.figures.returns.day_counts import DayCount, year_fractions

DAYS_PER_YEAR = 365.0
LOWEST_RATE = -1.0 + 1e-9
HIGHEST_RATE = 1e5

_LONGEST_FALL = -math.log(1e-9)  # largest |g| for g < 0
_LONGEST_RISE = math.log1p(HIGHEST_RATE)  # largest g
_SAME_ROOT = 1e-6  # roots nearer than this in g are one
_FINEST = 1e-7  # half width at which an interval is no longer split
_FIRST_PIECES = 16
_MATRIX_CELLS = 1 << 20  # cells of one (interval x flow) matrix
_ROUNDING = 1e-14  # error of a normalised sum of flows
_LEDGERS_AT_ONCE = 512  # rows whose arrays stay in the cache
_NEWTON_STEPS = 12
_LAST_STEP = 1e-7  # Newton squares the error, so what is left after such a step is rounding


def xirr(dates: DateArray, amounts: FloatArray, day_count: DayCount = "act/365F") -> float:
    """Yearly rate at which dated cash flows have no net present value.

    Parameters
    ----------
    dates : datetime64[D] of shape (n_flows,)
        In any order; flows may share a day.
    amounts : float64 of shape (n_flows,), one currency
        Seen by the investor: paid in < 0, paid out and closing value > 0.
    day_count
        How years since the first flow are counted.

    Returns
    -------
    float
        Rate per year as a fraction (0.07 is 7 %), above -1.

    Raises
    ------
    CashFlowError
        Shapes differ, a value is not finite, or all flows have one sign.
    NoRateFound
        No rate in (-1 + 1e-9, 1e5) solves the flows.

    Notes
    -----
    Solves sum(a_i * exp(-g * t_i)) = 0 for g = log(1 + r), t_i in years since the first
    flow; of several roots the one nearest to zero in g. Source: docs/methods/xirr.md.
    """
    roots = xirr_roots(dates, amounts, day_count)
    if roots.size == 0:
        raise NoRateFound(
            f"no rate between {LOWEST_RATE} and {HIGHEST_RATE:g} solves the {len(amounts)} flows"
        )
    return float(roots[0])


def xirr_roots(dates: DateArray, amounts: FloatArray, day_count: DayCount = "act/365F") -> FloatArray:
    """Every yearly rate that solves the flows, the one nearest to zero in |log(1 + r)| first.

    Of two as near, such as 100 % and -50 %, the gain comes first.

    Parameters
    ----------
    dates, amounts, day_count
        As for `xirr`.

    Returns
    -------
    float64 of shape (root_count,)
        Rates per year as fractions in (-1 + 1e-9, 1e5); empty when none solves the flows. Roots nearer
        to each other than 1e-6 in log(1 + r) count as one.

    Raises
    ------
    CashFlowError
        As for `xirr`.

    Notes
    -----
    With t counted from the first flow for g >= 0, and back from the last one for g < 0, both sides ask for
    the roots s = |g| >= 0 of f(s) = sum(a_i * exp(-s * u_i)), u_i >= 0. The sign changes of the running sums
    of a_i bound their number (Laguerre): none or one settles most ledgers. Otherwise intervals are split
    until a Taylor bound excludes a root or proves f (times an exponential) monotone.
    """
    dates, amounts = _checked(dates, amounts)
    if not ((amounts > 0).any() and (amounts < 0).any()):
        raise CashFlowError("all flows have one sign, so no rate can balance them")

    return _roots(year_fractions(dates.min(), dates, day_count), amounts)


def xirr_many(times: FloatArray, amounts: FloatArray, lengths: IntArray) -> tuple[FloatArray, IntArray]:
    """Rates and numbers of roots of many ledgers at once: what `xirr_roots` finds first, and how many.

    Parameters
    ----------
    times : float64 of shape (n_ledgers, n_flows)
        Years since the first flow of the row, ascending; what is read of a row are its first `lengths` flows.
    amounts : float64 of shape (n_ledgers, n_flows), one currency a row
        As for `xirr`; the first and the last of a row are not zero.
    lengths : int64 of shape (n_ledgers,)
        At least 1.

    Returns
    -------
    float64 and int64, each of shape (n_ledgers,)
        Rate per year, NaN where there is none, and the number of rates.

    Raises
    ------
    CashFlowError
        Shapes differ or a value is not finite.

    Notes
    -----
    Rows of which the sign changes of the running sums prove that they have one root or none are solved
    together by Newton steps as in `_solve`; the others one by one.
    """
    times, amounts = np.asarray(times, dtype=np.float64), np.asarray(amounts, dtype=np.float64)
    if times.ndim != 2 or times.shape != amounts.shape or lengths.shape != times.shape[:1]:
        raise CashFlowError(
            f"times of shape {times.shape}, amounts of {amounts.shape} and lengths do not pair"
        )
    if not (np.isfinite(times).all() and np.isfinite(amounts).all()):
        raise CashFlowError("a flow has no finite time or amount")
    rates, counts = np.full(lengths.shape, np.nan), np.zeros(lengths.shape, dtype=np.int64)
    for first in range(0, len(lengths), _LEDGERS_AT_ONCE):
        rows = slice(first, first + _LEDGERS_AT_ONCE)
        is_read = np.arange(times.shape[1]) < lengths[rows, None]
        t, a = np.where(is_read, times[rows], 0.0), np.where(is_read, amounts[rows], 0.0)
        rates[rows], is_settled = _single_rates(t, a, is_read)
        counts[rows] = np.isfinite(rates[rows])
        for row in first + np.flatnonzero(~is_settled):
            flows = slice(0, lengths[row])
            roots = _roots(times[row, flows], amounts[row, flows])
            rates[row], counts[row] = roots[0] if roots.size else np.nan, roots.size
    return rates, counts


def _single_rates(t: FloatArray, a: FloatArray, is_read: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Rates of rows that have one root, NaN for none, and which rows are settled so."""
    running = np.cumsum(a, axis=1)
    total = running[:, -1:]
    remaining = total - running + a  # from each flow on
    noise = _ROUNDING * np.abs(a).sum(axis=1, keepdims=True)
    is_settled = ((np.minimum(np.abs(running), np.abs(remaining)) > noise) | ~is_read).all(axis=1)
    is_settled &= np.abs(total[:, 0]) > a.shape[1] * noise[:, 0]
    later, earlier = _sign_changes(running, is_read), _sign_changes(remaining, is_read)
    is_settled &= later + earlier <= 1
    rates = np.full(len(a), np.nan)
    single = np.flatnonzero(is_settled & (later + earlier == 1))
    if single.size:
        falls = (earlier[single] == 1)[:, None]
        ahead = t[single]
        back = np.where(is_read[single], ahead.max(axis=1, keepdims=True) - ahead, 0.0)
        s, has_converged = _newton(np.where(falls, back, ahead), a[single])
        g = np.where(falls[:, 0], -s, s)
        has_converged &= (g > -_LONGEST_FALL) & (g < _LONGEST_RISE)
        rates[single[has_converged]] = np.expm1(g[has_converged])
        is_settled[single] = has_converged
    return rates, is_settled


def _sign_changes(sums: FloatArray, is_read: BoolArray) -> IntArray:
    is_negative = sums < 0.0
    changes = (is_negative[:, 1:] != is_negative[:, :-1]) & is_read[:, 1:]
    return np.asarray(np.count_nonzero(changes, axis=1), dtype=np.int64)


def _newton(u: FloatArray, a: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Roots s > 0 of the balance of each row, by Newton steps from zero, and which rows converged."""
    gained, paid = np.maximum(a, 0.0), np.maximum(-a, 0.0)
    gained_later, paid_later = gained * u, paid * u
    s, present = np.zeros(len(a)), np.ones(a.shape)
    has_converged = np.zeros(len(a), dtype=np.bool_)
    with np.errstate(all="ignore"):  # rows that leave the range end as not converged
        for _ in range(_NEWTON_STEPS):
            p, n = _row_sums(gained, present), _row_sums(paid, present)
            slope = _row_sums(paid_later, present) / n - _row_sums(gained_later, present) / p
            step = np.log(p / n) / slope
            s = s - step
            has_converged = np.abs(step) <= _LAST_STEP * (1.0 + np.abs(s))
            if has_converged.all():
                break
            present = _moved(present, s, step, u)
    return s, has_converged & (s > 0.0)


def _moved(present: FloatArray, s: FloatArray, step: FloatArray, u: FloatArray) -> FloatArray:
    """exp(-s u), from what it was before the step: by a short series where the step is small."""
    x = step[:, None] * u
    largest = float(np.abs(x).max())
    terms = next((k for k in range(1, 7) if largest ** (k + 1) < math.factorial(k + 1) * 1e-16), None)
    if terms is None:
        return np.asarray(np.exp(-s[:, None] * u), dtype=np.float64)
    series = x / terms
    for k in range(terms - 1, 0, -1):
        series += 1.0
        series *= x
        series /= k
    series += 1.0
    series *= present
    return series


def _row_sums(weights: FloatArray, present: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", weights, present), dtype=np.float64)


def _roots(times: FloatArray, amounts: FloatArray) -> FloatArray:
    """Rates of flows of both signs at times in years, the nearest to zero first."""
    times, time_of_flow = np.unique(times, return_inverse=True)
    a = np.bincount(time_of_flow, weights=amounts, minlength=len(times))
    kept = a != 0.0
    a, t = a[kept] / np.abs(a).max(initial=1e-300), times[kept]
    if len(a) < 2 or not ((a > 0).any() and (a < 0).any()):
        return np.empty(0)

    rising = list(_roots_from_zero(_Flows.of(a, t - t[0]), _LONGEST_RISE))
    falling = [-s for s in _roots_from_zero(_Flows.of(a[::-1], t[-1] - t[::-1]), _LONGEST_FALL)]
    g = _distinct(rising + falling)
    if abs(math.fsum(a)) <= _ROUNDING * len(a):  # what came in went out: floats may leave a trace of it
        g = np.append(g[np.abs(g) > _SAME_ROOT], 0.0)
    r = np.expm1(g)
    r = r[(r > LOWEST_RATE) & (r < HIGHEST_RATE)]
    g = np.log1p(r)
    return r[np.lexsort((-g, np.round(np.abs(g), 9)))]  # of two as near, the gain first


def xnpv(rate: float, dates: DateArray, amounts: FloatArray, day_count: DayCount = "act/365F") -> float:
    """Present value of dated cash flows at a yearly rate, on the day of the first flow.

    Parameters
    ----------
    rate : float
        Rate per year as a fraction, above -1.
    dates, amounts, day_count
        As for `xirr`.

    Returns
    -------
    float
        sum(a_i * (1 + rate)^(-t_i)), in the currency of the amounts.

    Raises
    ------
    CashFlowError
        Shapes differ, a value is not finite, there is no flow, or the rate is not above -1.
    """
    dates, amounts = _checked(dates, amounts)
    if dates.size == 0:
        raise CashFlowError("there is no flow whose value could be told")
    if not rate > -1.0:
        raise CashFlowError(f"a rate of {rate} is not above -1")
    t = year_fractions(dates.min(), dates, day_count)
    return math.fsum(amounts * np.exp(-math.log1p(rate) * t))


def linked_xirr(
    start: np.datetime64, opening_value: float, dates: DateArray, values: FloatArray, net_flows: FloatArray
) -> float:
    """Return over a span, linked from the money-weighted returns between its valuations.

    It is the time-weighted return where every flow meets a valuation, and the nearest to one that can be had
    where flows fall between valuations.

    Parameters
    ----------
    start : datetime64[D]
        Day of the opening value.
    opening_value : float, one currency
    dates : datetime64[D] of shape (n_days,)
        On or after the start, ascending; flows of a day come before its value.
    values : float64 of shape (n_days,), same currency
        NaN where there is no valuation; the last one must be known.
    net_flows : float64 of shape (n_days,), same currency
        Money in less money out.

    Returns
    -------
    float
        Fraction over the span; NaN where the last value is unknown or a stretch with flows of both signs has
        no rate. Stretches in which nothing was invested add nothing; one within a day gives its value over
        what was invested.

    Notes
    -----
    Source: Bank Administration Institute, Measuring the Investment Performance of Pension Funds (1968).
    """
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0 or known[-1] != values.size - 1:
        return math.nan
    growth, opened, held, first = 1.0, start, opening_value, 0
    for position in known.tolist():
        stretch = slice(first, position + 1)
        paid = np.concatenate([[-held], -net_flows[stretch], [values[position]]])
        days = np.concatenate([[opened], dates[stretch], [dates[position]]])
        paying = np.flatnonzero(paid)
        begun = days[paying[0]] if paying.size else days[-1]
        span = int((days[-1] - begun).astype(np.int64))
        if not span:  # within a day flows come first, and no time passes
            invested = -float(paid[:-1].sum())
            if invested > 0.0:
                growth *= float(values[position]) / invested
        elif (paid > 0).any() and (paid < 0).any():
            # time in stretches: what a few days gained may be no rate a year within bounds
            roots = _roots((days[paying] - begun).astype(np.float64) / span, paid[paying])
            if roots.size == 0:
                return math.nan
            growth *= 1.0 + float(roots[0])
        opened, held, first = dates[position], float(values[position]), position + 1
    return growth - 1.0


def xnfv(rate: float, dates: DateArray, amounts: FloatArray, day_count: DayCount = "act/365F") -> float:
    """Future value of dated cash flows at a yearly rate, on the day of the last flow; else as `xnpv`."""
    present = xnpv(rate, dates, amounts, day_count)
    days = np.asarray(dates, dtype="datetime64[D]")
    span = year_fractions(days.min(), np.array([days.max()]), day_count)[0]
    return present * math.exp(math.log1p(rate) * float(span))


def _checked(dates: DateArray, amounts: FloatArray) -> tuple[DateArray, FloatArray]:
    """Flows as arrays of one shape with a date and a finite amount each, else CashFlowError."""
    dates = np.asarray(dates, dtype="datetime64[D]")
    amounts = np.asarray(amounts, dtype=np.float64)
    if dates.ndim != 1 or dates.shape != amounts.shape:
        raise CashFlowError(f"dates of shape {dates.shape} and amounts of shape {amounts.shape} do not pair")
    if np.isnat(dates).any() or not np.isfinite(amounts).all():
        raise CashFlowError("a flow has no date or no finite amount")
    return dates, amounts


@dataclass(frozen=True)
class _Flows:
    """Amounts a and times u >= 0, ascending from 0, parted by sign for the balance of both sides."""

    a: FloatArray
    u: FloatArray
    gained: FloatArray
    gained_at: FloatArray
    paid: FloatArray
    paid_at: FloatArray

    @classmethod
    def of(cls, a: FloatArray, u: FloatArray) -> "_Flows":
        up, down = a > 0, a < 0
        return cls(a, u, a[up], u[up], -a[down], u[down])

    def balance(self, s: float) -> tuple[float, float]:
        """Log of positive over negative present value at s, and its slope; the sign is that of f(s).

        Nearly straight in s, so Newton takes few steps; its first step from zero is the guess by durations.
        """
        gained = self.gained * np.exp(-s * self.gained_at)
        paid = self.paid * np.exp(-s * self.paid_at)
        p, n = float(gained.sum()), float(paid.sum())
        if p == 0.0 or n == 0.0:
            return (math.inf if p > n else -math.inf), math.nan
        duration_gained, duration_paid = float(gained @ self.gained_at) / p, float(paid @ self.paid_at) / n
        return math.log(p / n), duration_paid - duration_gained


def _roots_from_zero(flows: _Flows, limit: float) -> Iterator[float]:
    """Roots s in (0, limit] of f, bounded in number by the sign changes of the running sums."""
    running = np.cumsum(flows.a)
    signs = np.sign(running[running != 0.0])
    changes = int(np.count_nonzero(signs[1:] != signs[:-1]))
    if changes == 0:
        return
    if changes == 1 and abs(running[-1]) > _ROUNDING * len(running):
        if np.sign(flows.balance(limit)[0]) != np.sign(running[-1]):
            yield _solve(flows, 0.0, limit)
        return
    yield from _isolated_roots(flows, limit)


def _solve(flows: _Flows, low: float, high: float) -> float:
    """Root in [low, high], where f changes sign: Newton on the balance, halving when that fails."""
    sign_low = math.copysign(1.0, flows.balance(low)[0])
    s, last_step = low, 2.0 * (high - low)
    for _ in range(200):
        q, slope = flows.balance(s)
        if q == 0.0:
            return s
        if math.copysign(1.0, q) == sign_low:
            low = s
        else:
            high = s
        step = -q / slope if slope else math.nan
        following = s + step
        if not (low <= following <= high and abs(step) < 0.5 * last_step):  # also when the step is NaN
            following = 0.5 * (low + high)
        last_step = abs(following - s)
        if abs(following - s) <= 4e-16 * (1.0 + abs(s)) or high - low <= 4e-16 * (1.0 + high):
            return following
        s = following
    return 0.5 * (low + high)


def _isolated_roots(flows: _Flows, limit: float) -> Iterator[float]:
    """All roots in [0, limit] by splitting, for flows whose running sums change sign more than once."""
    edges = np.linspace(0.0, limit, _FIRST_PIECES + 1)
    low, high = edges[:-1], edges[1:]
    unresolved: list[tuple[float, float]] = []
    while low.size:
        split_low, split_high = [], []
        rows = max(1, _MATRIX_CELLS // len(flows.a))
        for first in range(0, low.size, rows):
            lo, hi = low[first : first + rows], high[first : first + rows]
            empty, monotone = _verdicts(flows, lo, hi)
            for a, b in zip(lo[monotone], hi[monotone], strict=True):
                yield from _root_where_monotone(flows, float(a), float(b))
            left = ~empty & ~monotone
            split_low.append(lo[left])
            split_high.append(hi[left])
        low, high = np.concatenate(split_low), np.concatenate(split_high)
        if low.size and (high[0] - low[0]) / 2 < _FINEST:
            unresolved = list(zip(low.tolist(), high.tolist(), strict=True))
            break
        middle = 0.5 * (low + high)
        low, high = np.sort(np.concatenate([low, middle])), np.sort(np.concatenate([middle, high]))
    for a, b in _joined(unresolved):  # where f touches zero, or roots lie closer than can be told apart
        crosses = np.sign(flows.balance(a)[0]) * np.sign(flows.balance(b)[0]) < 0
        yield _solve(flows, a, b) if crosses else 0.5 * (a + b)


def _verdicts(flows: _Flows, low: FloatArray, high: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """For each interval whether f surely has no root in it, and whether it surely is monotone up to a factor.

    h(d) = sum(w_i * exp(-d * v_i)) is f times exp(c * d) around the middle, scaled to sum(|w_i|) = 1; with
    half width rho, |h''| <= m2 = sum(|w_i| * v_i^2 * exp(rho * |v_i|)).
    """
    middle, rho = 0.5 * (low + high), 0.5 * (high - low)
    w = flows.a * np.exp(-np.multiply.outer(middle, flows.u))
    w /= np.abs(w).sum(axis=1, keepdims=True)
    v = flows.u - (np.abs(w) @ flows.u)[:, None]
    h0, h1 = w.sum(axis=1), -(w * v).sum(axis=1)
    m2 = (np.abs(w) * v**2 * np.exp(np.minimum(rho[:, None] * np.abs(v), 600.0))).sum(axis=1)
    empty = np.abs(h0) > rho * np.abs(h1) + 0.5 * rho**2 * m2 + _ROUNDING
    monotone = ~empty & (np.abs(h1) > rho * m2 + _ROUNDING)
    return empty, monotone


def _root_where_monotone(flows: _Flows, low: float, high: float) -> Iterator[float]:
    at_low, at_high = flows.balance(low)[0], flows.balance(high)[0]
    if at_low == 0.0 or at_high == 0.0:
        yield low if at_low == 0.0 else high
    elif (at_low > 0) != (at_high > 0):
        yield _solve(flows, low, high)


def _joined(intervals: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Intervals in order, those that touch made one."""
    start = end = math.nan
    for low, high in sorted(intervals):
        if low <= end + _FINEST:
            end = high
            continue
        if not math.isnan(end):
            yield start, end
        start, end = low, high
    if not math.isnan(end):
        yield start, end


def _distinct(roots: list[float]) -> FloatArray:
    """Roots ascending, each once."""
    g = np.sort(np.asarray(roots, dtype=np.float64))
    return g[np.concatenate([[True], np.diff(g) > _SAME_ROOT])] if g.size else g
