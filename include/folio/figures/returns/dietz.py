"""Modified Dietz return: gain over the investment that flows had on average, over a span or linked by day."""

import numpy as np

from folio.errors import CashFlowError
from folio.figures.arrays import DateArray, FloatArray

MIDDAY = 0.5


def modified_dietz(
    start: np.datetime64,
    opening_value: float,
    dates: DateArray,
    early_flows: FloatArray,
    late_flows: FloatArray,
    closing_value: float,
) -> float:
    """Return over a span from the close of `start` to the close of the last day, as a fraction.

    Parameters
    ----------
    start : datetime64[D]
    opening_value, closing_value : float, one currency
    dates : datetime64[D] of shape (n_days,)
        Days after the start, ascending; the last one ends the span.
    early_flows, late_flows : float64 of shape (n_days,), same currency
        Money in less money out at the start and at the end of each day.

    Returns
    -------
    float
        NaN where a value is unknown or the average investment is not above zero.

    Raises
    ------
    CashFlowError
        Shapes differ.

    Notes
    -----
    (V1 - V0 - sum(F)) / (V0 + sum(w F)); w is the share of the span's days for which a flow was invested, its
    own day included when it came early. Source: docs/methods/returns.md.
    """
    if not dates.shape == early_flows.shape == late_flows.shape:
        raise CashFlowError("dates and flows do not share days")
    if dates.size == 0:
        return np.nan
    left = (dates[-1] - dates).astype("timedelta64[D]").astype(np.float64)
    length = float((dates[-1] - start).astype("timedelta64[D]").astype(np.int64))
    flows = float(early_flows.sum() + late_flows.sum())
    invested = opening_value + float(early_flows @ (left + 1.0) + late_flows @ left) / length
    gain = closing_value - opening_value - flows
    return gain / invested if invested > 0.0 else np.nan


def linked_modified_dietz(
    opening_value: float, values: FloatArray, net_flows: FloatArray, weight: float = MIDDAY
) -> float:
    """Modified Dietz returns of single days, chained, as a fraction.

    Parameters
    ----------
    opening_value : float, one currency
        Value at the close before the first day.
    values : float64 of shape (n_days,), same currency
        NaN where unknown: the next known day spans it, with all flows since.
    net_flows : float64 of shape (n_days,), same currency
        Money in less money out.
    weight : float
        Share of its day for which a flow counts as invested.

    Returns
    -------
    float
        NaN where the opening or the last value is unknown or nothing was ever invested. Days on which the
        investment is not above zero add nothing.

    Notes
    -----
    r = (V1 - V0 - F) / (V0 + weight F). Source: docs/methods/returns.md.
    """
    if values.shape != net_flows.shape:
        raise CashFlowError("values and flows do not share days")
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0 or known[-1] != values.size - 1 or np.isnan(opening_value):
        return np.nan
    flows = np.add.reduceat(net_flows, np.concatenate([[0], known[:-1] + 1]))
    v1 = values[known]
    v0 = np.concatenate([[opening_value], v1[:-1]])
    invested = v0 + weight * flows
    was_invested = invested > 0.0
    rate = np.divide(v1 - v0 - flows, invested, out=np.zeros(v1.shape), where=was_invested)
    return float(np.prod(1.0 + rate) - 1.0) if was_invested.any() else np.nan
