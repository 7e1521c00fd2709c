"""Changes that meet linear constraints, against a published case and by hand."""

import json
from decimal import Decimal

import pytest

from folio.decisions.orders.constraints import Constraint, rebalance, rebalance_with_fewest
from folio.errors import OrderError

D = Decimal


@pytest.mark.shared_data
def test_the_published_case_is_met_to_the_cent(shared):
    published = (shared / "cases" / "portfolio-performance" / "rebalancer.json").read_text()
    for case in json.loads(published)["cases"]:
        constraints = [
            Constraint({name: D(w) for name, w in c["weights"].items()}, D(c["target"]))
            for c in case["inputs"]["constraints"]
        ]
        changes = rebalance(constraints)
        expected = case["expected"]
        assert changes.is_exact is expected["exact"]
        assert bool(changes.ambiguous) is expected["ambiguous"]
        assert changes.amounts == {name: D(expected[name]) for name in changes.amounts}


def test_two_mixed_funds_share_out_two_classes():
    changes = rebalance(
        [Constraint({"mixed": D("0.5"), "bonds": D(1)}, D(100)), Constraint({"mixed": D("0.5")}, D(50))]
    )
    assert changes.amounts == {"mixed": D("100.00"), "bonds": D("50.00")}
    assert changes.is_exact
    assert not changes.ambiguous


def test_two_funds_of_one_class_are_ambiguous_and_share_evenly():
    changes = rebalance([Constraint({"one": D(1), "two": D(1)}, D(100)), Constraint({"own": D(1)}, D(7))])
    assert changes.amounts == {"one": D("50.00"), "two": D("50.00"), "own": D("7.00")}
    assert changes.ambiguous == {"one", "two"}


def test_contradicting_constraints_are_met_by_least_squares_and_not_exactly():
    changes = rebalance([Constraint({"one": D(1)}, D(100)), Constraint({"one": D(1)}, D(200))])
    assert changes.amounts == {"one": D("150.00")}
    assert not changes.is_exact


def test_constraints_without_weights_are_refused():
    with pytest.raises(OrderError):
        rebalance([])


def test_the_fewest_changes_that_meet_all_are_taken():
    changes = rebalance_with_fewest(
        [
            Constraint({"shares": D(1), "bonds": D(1), "mixed": D(1)}, D(0)),
            Constraint({"shares": D(1), "mixed": D("0.5")}, D(100)),
        ]
    )
    assert changes.amounts == {"bonds": D("-100.00"), "mixed": D("0.00"), "shares": D("100.00")}
    assert changes.is_exact


def test_sets_of_one_size_are_ambiguous():
    changes = rebalance_with_fewest([Constraint({"one": D(1), "two": D(1)}, D(100))])
    assert changes.amounts == {"one": D("100.00"), "two": D("0.00")}
    assert changes.ambiguous == {"one", "two"}


def test_contradicting_constraints_are_as_without_counting():
    constraints = [Constraint({"one": D(1)}, D(100)), Constraint({"one": D(1)}, D(200))]
    assert rebalance_with_fewest(constraints) == rebalance(constraints)


def test_too_many_names_are_refused():
    names = {f"fund {n}": D(1) for n in range(13)}
    with pytest.raises(OrderError, match="too many"):
        rebalance_with_fewest([Constraint(names, D(1))])
