"""Cases of empyrical: measures and ratios of returns of equal periods, alone and beside a benchmark."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from folio.figures.arrays import DateArray, FloatArray
from folio.figures.returns.calendar import compounded
from folio.figures.risk import measures, ratios
from tests.cases.case import Case, Differs, only

PERIODS_PER_YEAR = {"daily": 252.0, "weekly": 52.0, "monthly": 12.0, "quarterly": 4.0, "yearly": 1.0}


def series(field: Any) -> FloatArray:
    """Numbers of a field that holds a list, a constant or values beside dates; null is NaN."""
    if isinstance(field, dict):
        only(field, "values", "dates", "fixture", "constant")
        field = field["constant"] if "constant" in field else field["values"]
    if isinstance(field, list):
        return np.array([math.nan if value is None else float(value) for value in field], dtype=np.float64)
    return np.float64(field)


def days(field: Any) -> DateArray:
    """Dates of a field with values."""
    return np.array(field["dates"], dtype="datetime64[D]")


def tolerance_of(case: Case) -> float:
    """The number after `abs`."""
    words = (case.tolerance or "abs 1.5e-8").split()
    return float(words[words.index("abs") + 1])


def a_year(case: Case) -> float:
    """Periods in a year, daily where the inputs do not say."""
    return PERIODS_PER_YEAR[case.inputs.get("period", "daily")]


def beside(case: Case) -> tuple[FloatArray, FloatArray]:
    """Returns, and those of the benchmark on the same days; an empty side is without returns."""
    other = case.inputs["benchmark"] if "benchmark" in case.inputs else case.inputs["factor_returns"]
    own = case.inputs["returns"]
    if not own["values"] or not other["values"]:
        return np.empty(0), np.empty(0)
    dates = np.union1d(days(own), days(other))

    def laid_out(field: Any) -> FloatArray:
        on_days = np.full(dates.shape, np.nan)
        on_days[np.searchsorted(dates, days(field))] = series(field)
        return on_days

    shared = np.isin(dates, np.intersect1d(days(own), days(other)))
    return laid_out(own)[shared], laid_out(other)[shared]


def risk_free(case: Case) -> Any:
    """Rate without risk a period, none is zero."""
    return series(case.inputs.get("risk_free", "0"))


def required(case: Case) -> Any:
    """Required return a period, none is zero."""
    return series(case.inputs.get("required_return", "0"))


def regressed(case: Case) -> list[float]:
    """Alpha a year and beta."""
    found = ratios.regression(*beside(case), risk_free(case), a_year(case))
    return [found.alpha, found.beta]


def batted(case: Case) -> list[float]:
    """Shares of periods that beat the benchmark: all, up and down market."""
    found = ratios.batting_average(*beside(case))
    return [found.all_periods, found.up_market, found.down_market]


def aggregated(case: Case) -> list[float]:
    """Returns by calendar period."""
    field = case.inputs["returns"]
    return [float(part) for part in compounded(days(field), series(field), case.inputs["convert_to"])[1]]


def final_value(case: Case) -> float:
    """Cumulative return, or what a starting value grew to."""
    cumulative = ratios.cumulative_return(series(case.inputs["returns"]))
    starting_value = float(case.inputs.get("starting_value", 0))
    return (1.0 + cumulative) * starting_value if starting_value else cumulative


def own(function: Callable[..., Any], *arguments: Callable[[Case], Any]) -> Callable[[Case], float]:
    """Figure of the returns alone."""
    return lambda case: float(
        function(series(case.inputs["returns"]), *(argument(case) for argument in arguments))
    )


FIGURES: dict[str, Callable[[Case], float | list[float]]] = {
    "aggregate_returns": aggregated,
    "alpha_beta": regressed,
    "annual_ret": own(ratios.annual_return, a_year),
    "annual_volatility": own(measures.volatility, a_year),
    "batting_average": batted,
    "cagr": own(ratios.annual_return, a_year),
    "calmar": own(ratios.calmar, a_year),
    "capture_ratio": lambda case: ratios.capture(*beside(case), a_year(case)),
    "cum_returns_final": final_value,
    "down_capture": lambda case: ratios.down_capture(*beside(case), a_year(case)),
    "downside_risk": own(measures.downside_deviation, a_year, required),
    "max_drawdown": lambda case: deepest_fall(series(case.inputs["returns"])),
    "omega": own(ratios.omega, risk_free, lambda case: float(required(case)), a_year),
    "sharpe_ratio": own(measures.sharpe, risk_free, a_year),
    "sortino": own(measures.sortino, required, a_year),
    "stability_of_timeseries": own(ratios.stability),
    "tail_ratio": own(ratios.tail_ratio),
    "up_capture": lambda case: ratios.up_capture(*beside(case), a_year(case)),
    "value_at_risk": own(ratios.return_quantile, lambda case: float(case.inputs["cutoff"])),
}
"""Folio's figure by kind."""

KNOWN_INPUTS = {
    *("returns", "benchmark", "factor_returns", "period", "convert_to", "risk_free", "required_return"),
    *("starting_value", "cutoff"),
}


def deepest_fall(returns: FloatArray) -> float:
    """Depth of the deepest fall; null without a return."""
    return float(measures.max_drawdown(returns).depth) if returns.size else math.nan


def check(case: Case) -> None:
    """Hold the expected figure against Folio's; null is null, and infinity is Folio's null on purpose."""
    only(case.inputs, *KNOWN_INPUTS)
    only(case.expected, case.kind)
    expected, found = case.expected[case.kind], FIGURES[case.kind](case)
    wanted = expected if isinstance(expected, list) else [expected]
    figures = found if isinstance(found, list) else [found]
    assert len(figures) == len(wanted)
    divided_by_zero = False
    for figure, value in zip(figures, wanted, strict=True):
        if value is None:
            assert math.isnan(figure)
        elif math.isinf(float(value)):
            assert math.isnan(figure)
            divided_by_zero = True
        else:
            assert figure == pytest.approx(float(value), abs=tolerance_of(case))
    if divided_by_zero:
        raise Differs("Nothing to divide by")


READERS = dict.fromkeys(FIGURES, check)
