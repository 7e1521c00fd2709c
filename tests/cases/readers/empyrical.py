"""Cases of empyrical: measures and ratios of returns of equal periods, alone and beside a benchmark."""

import math
from collections.abc import Callable
from dataclasses import replace
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
    if case.inputs.get("annualization") is not None:
        return float(case.inputs["annualization"])
    return PERIODS_PER_YEAR[case.inputs.get("period", "daily")]


def benchmark_of(case: Case) -> Any:
    """The other side of a comparison, under either of its names."""
    return case.inputs["benchmark"] if "benchmark" in case.inputs else case.inputs["factor_returns"]


def beside(case: Case) -> tuple[FloatArray, FloatArray]:
    """Returns, and those of the benchmark on the same days; without dates the one beside the other."""
    own, other = case.inputs["returns"], benchmark_of(case)
    if not (has_dates(own) and has_dates(other)):
        return series(own), np.broadcast_to(series(other), series(own).shape)
    _, in_own, in_other = np.intersect1d(days(own), days(other), return_indices=True)
    return series(own)[in_own], series(other)[in_other]


def has_dates(field: Any) -> bool:
    """Whether each value stands beside its date."""
    return isinstance(field, dict) and "dates" in field


def risk_free(case: Case) -> Any:
    """Rate without risk a period, none is zero."""
    return series(case.inputs.get("risk_free", "0"))


def required(case: Case) -> Any:
    """Required return a period, none is zero."""
    return series(case.inputs.get("required_return", "0"))


def regressed(case: Case) -> list[float]:
    """Alpha a year and beta."""
    return alpha_and_beta(case, *beside(case))


def regressed_where(sign: float) -> Callable[[Case], list[float]]:
    """Alpha a year and beta over the days on which the benchmark rose (1) or fell (-1)."""

    def regress(case: Case) -> list[float]:
        own_returns, benchmark = beside(case)
        moved = benchmark * sign > 0.0
        return alpha_and_beta(case, own_returns[moved], benchmark[moved])

    return regress


def alpha_and_beta(case: Case, returns: FloatArray, benchmark: FloatArray) -> list[float]:
    """Both of the regression."""
    found = ratios.regression(returns, benchmark, risk_free(case), a_year(case))
    return [found.alpha, found.beta]


def captured(case: Case) -> float:
    """Capture over the days that both have; the peer's takes each side over its own days."""
    sides = case.inputs["returns"], benchmark_of(case)
    found, wanted = ratios.capture(*beside(case), a_year(case)), case.expected[case.kind]
    if not all(map(has_dates, sides)) or sides[0]["dates"] == sides[1]["dates"] or same(found, wanted):
        return found
    own_growth, growth = (ratios.annual_return(series(side), a_year(case)) for side in sides)
    if growth == 0.0:
        return math.nan
    assert same(own_growth / growth, wanted)
    raise Differs("A benchmark on the same days")


def same(found: float, wanted: str | None) -> bool:
    """Whether a figure is the one expected, null where that is null."""
    return math.isnan(found) if wanted is None else found == pytest.approx(float(wanted))


def rolling(case: Case) -> list[Any]:
    """The figure that the kind names after `roll_`, over every window of the returns and their benchmark."""
    rolled = case.kind.removeprefix("roll_")
    kind = ROLLED.get(rolled, rolled)
    assert kind in FIGURES, f"no figure {rolled!r} to roll"
    size = int(case.inputs["window"])
    with_benchmark = {"benchmark", "factor_returns"} & set(case.inputs)
    sides = beside(case) if with_benchmark else (series(case.inputs["returns"]),)
    fields = dict(zip(("returns", *with_benchmark), sides, strict=True))
    return [
        FIGURES[kind](
            replace(
                case,
                kind=kind,
                inputs={**case.inputs, **{name: list(s[n : n + size]) for name, s in fields.items()}},
            )
        )
        for n in range(sides[0].size - size + 1)
    ]


def flat(figures: Any) -> list[Any]:
    """Figures one after another, of a number, a list, a list of lists or values beside dates."""
    if isinstance(figures, dict):
        only(figures, "values", "dates", "fixture")
        return flat(figures["values"])
    if isinstance(figures, list):
        return [number for part in figures for number in flat(part)]
    return [figures]


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


def cumulative_values(case: Case) -> list[float]:
    """Cumulative return at each close, or what a starting value had grown to."""
    cumulative = ratios.cumulative_returns(series(case.inputs["returns"]))
    starting_value = float(case.inputs.get("starting_value", 0))
    return [float(value) for value in ((1.0 + cumulative) * starting_value if starting_value else cumulative)]


def cutoff(case: Case) -> float:
    """Share of the returns that the tail holds, a twentieth where the inputs do not say."""
    return float(case.inputs.get("cutoff", 0.05))


def own(function: Callable[..., Any], *arguments: Callable[[Case], Any]) -> Callable[[Case], float]:
    """Figure of the returns alone."""
    return lambda case: float(
        function(series(case.inputs["returns"]), *(argument(case) for argument in arguments))
    )


FIGURES: dict[str, Callable[[Case], float | list[Any]]] = {
    "aggregate_returns": aggregated,
    "alpha": lambda case: regressed(case)[0],
    "alpha_beta": regressed,
    "annual_ret": own(ratios.annual_return, a_year),
    "annual_volatility": own(measures.volatility, a_year),
    "batting_average": batted,
    "beta": lambda case: regressed(case)[1],
    "cagr": own(ratios.annual_return, a_year),
    "calmar": own(ratios.calmar, a_year),
    "capture_ratio": captured,
    "conditional_value_at_risk": own(ratios.lower_tail_mean, cutoff),
    "cum_returns": cumulative_values,
    "cum_returns_final": final_value,
    "down_alpha_beta": regressed_where(-1.0),
    "down_capture": lambda case: ratios.down_capture(*beside(case), a_year(case)),
    "downside_risk": own(measures.downside_deviation, a_year, required),
    "excess_sharpe": lambda case: float(measures.sharpe(*beside(case), 1.0)),
    "max_drawdown": lambda case: deepest_fall(series(case.inputs["returns"])),
    "omega": own(ratios.omega, risk_free, lambda case: float(required(case)), a_year),
    "sharpe_ratio": own(measures.sharpe, risk_free, a_year),
    "simple_returns": lambda case: list(ratios.period_returns(series(case.inputs["prices"]))),
    "sortino": own(measures.sortino, required, a_year),
    "stability_of_timeseries": own(ratios.stability),
    "tail_ratio": own(ratios.tail_ratio),
    "up_alpha_beta": regressed_where(1.0),
    "up_capture": lambda case: ratios.up_capture(*beside(case), a_year(case)),
    "up_down_capture": lambda case: ratios.up_down_capture(*beside(case), a_year(case)),
    "value_at_risk": own(ratios.return_quantile, cutoff),
}
"""Folio's figure by kind."""

ROLLED = {"sharpe": "sharpe_ratio", "sortino_ratio": "sortino", "downsize_risk": "downside_risk"}
"""Kinds that are named otherwise where they roll."""

KNOWN_INPUTS = {
    *("returns", "benchmark", "factor_returns", "prices", "period", "annualization", "convert_to"),
    *("risk_free", "required_return", "starting_value", "cutoff", "window"),
}


def deepest_fall(returns: FloatArray) -> float:
    """Depth of the deepest fall; null without a return."""
    return float(measures.max_drawdown(returns).depth) if returns.size else math.nan


def check(case: Case) -> None:
    """Hold the expected figure against Folio's; null is null, and infinity is Folio's null on purpose."""
    only(case.inputs, *KNOWN_INPUTS)
    only(case.expected, case.kind)
    wanted = flat(case.expected[case.kind])
    figures = flat(rolling(case) if case.kind.startswith("roll_") else FIGURES[case.kind](case))
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


READERS = dict.fromkeys(FIGURES, check) | dict.fromkeys(
    (f"roll_{kind}" for kind in (*FIGURES, *ROLLED)), check
)
