"""DEGIRO's account statement: orders on several lines, changes of money, sweeps."""

from decimal import Decimal

from folio.books.importers import registry
from folio.books.importers.events import Event, Imported

HEADER = "Date,Time,Value date,Product,ISIN,Description,FX,Change,,Balance,,Order Id\n"


def imported(*lines: str) -> Imported:
    payload = (HEADER + "\n".join(lines) + "\n").encode()
    found = registry.recognise(payload)
    assert found is not None
    return found.read(payload)


def events(*lines: str) -> list[Event]:
    made = imported(*lines)
    assert not made.refused
    return list(made.events())


def test_the_lines_of_an_order_are_one_purchase_with_its_costs() -> None:
    [buy] = events(
        "02-01-2024,14:42,02-01-2024,F,IE00B4L5Y983,"
        "DEGIRO Transaction and/or third party fees,,EUR,-1.00,EUR,2.54,o1",
        "02-01-2024,14:42,02-01-2024,F,IE00B4L5Y983,Buy 2 F@82.05 EUR,,EUR,-164.10,EUR,3.54,o1",
    )
    assert (buy.kind, buy.units, buy.amount, buy.fee) == ("buy", 2, Decimal("164.10"), Decimal("1.00"))


def test_an_order_in_another_currency_has_its_change_of_money_beside_it() -> None:
    made = events(
        "15-12-2022,16:55,15-12-2022,X,US9256521090,FX Credit,1.0624,USD,33.90,USD,0.00,o2",
        "15-12-2022,16:55,15-12-2022,X,US9256521090,FX Debit,,EUR,-31.91,EUR,0.07,o2",
        "15-12-2022,16:55,15-12-2022,X,US9256521090,Buy 1 @ 33.9 USD,,USD,-33.90,USD,-33.90,o2",
    )
    assert [(e.kind, e.amount, e.currency) for e in made] == [
        ("withdrawal", Decimal("31.91"), "EUR"),
        ("deposit", Decimal("33.90"), "USD"),
        ("buy", Decimal("33.90"), "USD"),
    ]
    assert made[0].pair_key == made[1].pair_key is not None


def test_sweeps_are_passed_over_and_unknown_lines_refused() -> None:
    made = imported(
        "19-12-2022,18:33,19-12-2022,,,Degiro Cash Sweep Transfer,,EUR,26.45,EUR,27.80,",
        "19-12-2022,18:33,19-12-2022,,,Something new,,EUR,26.45,EUR,27.80,",
    )
    assert [one.line for one in made.passed] == [2]
    assert [(one.line, "unknown kind 'Something new'" in one.reason) for one in made.refused] == [(3, True)]
