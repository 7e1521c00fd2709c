"""One thing given for another: purchases, sales, changes of money, swaps, and the fees of each."""

from datetime import date
from decimal import Decimal

import pytest

from folio.books.importers.events import Event
from folio.books.importers.movements import Quantity, exchanged

BASE = Event(kind="", trade_date=date(2024, 1, 2), source_id="t1")


def quantity(text: str) -> Quantity:
    size, code = text.split()
    return Quantity(Decimal(size), code)


@pytest.mark.parametrize(
    ("paid", "got", "fee", "made"),
    [
        ("100 EUR", "2 ETH", "1 EUR", [("buy", "coin:ETH", 2, 100, "EUR", 1)]),
        ("2 ETH", "100 EUR", "1 EUR", [("sell", "coin:ETH", 2, 100, "EUR", 1)]),
        (
            "100 EUR", "2 ETH", "0.1 BNB",
            [
                ("buy", "coin:ETH", 2, 100, "EUR", 0),
                ("network_fee", "coin:BNB", Decimal("0.1"), None, None, 0),
            ],
        ),
        (
            "2 ETH", "3 SOL", "1 EUR",
            [
                ("swap_out", "coin:ETH", 2, None, None, 0),
                ("swap_in", "coin:SOL", 3, None, None, 0),
                ("fee", None, None, 1, "EUR", 0),
            ],
        ),
        (
            "100 EUR", "110 USD", None,
            [("withdrawal", None, None, 100, "EUR", 0), ("deposit", None, None, 110, "USD", 0)],
        ),
    ],
)  # fmt: skip
def test_an_exchange_is_told_apart_by_what_was_paid_and_got(
    paid: str, got: str, fee: str | None, made: list[tuple[object, ...]]
) -> None:
    events = list(exchanged(quantity(paid), quantity(got), BASE, quantity(fee) if fee else None))
    assert [(e.kind, e.instrument, e.units, e.amount, e.currency, e.fee) for e in events] == made
    assert len({e.source_id for e in events}) == len(events)


def test_both_legs_of_a_swap_share_a_pair_and_the_value_that_the_source_says() -> None:
    out, into = exchanged(quantity("2 ETH"), quantity("3 SOL"), BASE, None, quantity("90 EUR"))
    assert out.pair_key == into.pair_key == "t1"
    assert (out.amount, out.currency) == (into.amount, into.currency) == (90, "EUR")


def test_a_token_with_a_contract_goes_by_its_contract() -> None:
    [event] = exchanged(quantity("1 EUR"), Quantity(Decimal(1), "eip155:1/erc20:0xAb"), BASE)
    assert event.instrument == "contract:ethereum:0xAb"
