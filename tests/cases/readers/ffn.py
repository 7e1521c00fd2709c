"""Cases of ffn: the ulcer index and the Sortino ratio over all periods."""

import numpy as np
import pytest

from folio.figures.risk import measures, ratios
from tests.cases.case import Case, NotYet, only


def check(case: Case) -> None:
    """Hold each expected figure against Folio's, relatively to 1e-5 as the peer does."""
    if "limit" in case.inputs:
        raise NotYet("ffn/core: weight cap")
    only(case.inputs, "returns", "returns_a", "returns_b", "risk_free", "annualise", "prices")
    assert not case.inputs.get("annualise", False), "annualised ratios name no periods"
    for figure, expected in case.expected.items():
        name, _, which = figure.partition("_")
        if figure == "ulcer_index":
            found = ratios.ulcer_index([float(price) for price in case.inputs["prices"]])
        else:
            assert name == "sortino", f"no figure {figure!r}"
            returns = case.inputs[f"returns_{which}" if which else "returns"]
            found = float(
                measures.sortino(
                    np.array([float(rate) for rate in returns]), float(case.inputs.get("risk_free", 0)), 1.0
                )
            )
        assert found == pytest.approx(float(expected), rel=1e-5)


READERS = {"core": check}
