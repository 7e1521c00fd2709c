"""Cases of published methodologies: drift of a portfolio from its target."""

from decimal import Decimal

from folio.decisions.orders.problem import Account, Portfolio, Position
from folio.decisions.orders.programme import Book
from folio.decisions.orders.rebalance import drift
from tests.cases.case import Case, only


def check(case: Case) -> None:
    """Half the sum of absolute deviations from target."""
    only(case.inputs, "target", "current")
    only(case.expected, "drift")
    targets = {name: Decimal(weight) for name, weight in case.inputs["target"].items()}
    positions = tuple(
        Position("account", name, Decimal(weight), Decimal(1))
        for name, weight in case.inputs["current"].items()
    )
    portfolio = Portfolio("portfolio", targets, Decimal(0))
    cash = 1 - sum((position.units for position in positions), start=Decimal(0))
    account = Account("account", "portfolio", cash)
    assert drift(Book(portfolio, (account,), positions, Decimal(1)), []) == Decimal(case.expected["drift"])


READERS = {"robo": check}
