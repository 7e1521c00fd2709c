"""Fund statements: taxes below their transactions, failed instalments, balances."""

import json
from decimal import Decimal

from folio.books.importers import registry
from folio.books.importers.events import Imported

Transaction = dict[str, object]


def row(kind: str, units: str | None, amount: str, day: str = "2024-01-10") -> Transaction:
    return {"type": kind, "units": units, "amount": amount, "date": day, "nav": "10", "description": kind}


def imported(*transactions: Transaction, opened: str = "0.0", close: str = "0") -> Imported:
    scheme = {
        "scheme": "A fund", "amfi": 100001, "isin": "INF000000001", "open": opened, "close": close,
        "valuation": {"date": "2024-04-16"}, "transactions": list(transactions),
    }  # fmt: skip
    payload = json.dumps({"cas_type": "DETAILED", "folios": [{"folio": "77 / 1", "schemes": [scheme]}]})
    found = registry.recognise(payload.encode())
    assert found is not None
    return found.read(payload.encode())


def test_taxes_go_with_the_transaction_above_them() -> None:
    made = imported(
        row("PURCHASE_SIP", "100", "999.95"),
        row("STAMP_DUTY_TAX", None, "0.05"),
        row("REDEMPTION", "-40", "-420", "2024-02-01"),
        row("STT_TAX", None, "0.01", "2024-02-01"),
        row("TDS_TAX", None, "1", "2024-02-01"),
    )
    assert [(e.kind, e.units, e.amount, e.tax) for e in made.events()] == [
        ("buy", 100, Decimal("999.95"), Decimal("0.05")),
        ("sell", 40, 420, Decimal("1.01")),
    ]
    assert made.closing_units("77 / 1") == {"amfi:100001": 60}


def test_a_stamp_duty_by_itself_is_an_event_of_its_own() -> None:
    [duty] = imported(row("STAMP_DUTY_TAX", None, "0.05")).events()
    assert (duty.kind, duty.amount) == ("stamp_duty", Decimal("0.05"))


def test_an_instalment_that_failed_books_nothing() -> None:
    made = imported(row("PURCHASE_SIP", "100", "1000"), row("REVERSAL", "-100", "-1000", "2024-01-15"))
    assert (list(made.events()), [one.line for one in made.passed]) == ([], [1, 2])


def test_payouts_reinvestments_and_switches_keep_their_kinds() -> None:
    made = imported(
        row("DIVIDEND_PAYOUT", None, "50"),
        row("DIVIDEND_REINVEST", "5", "50"),
        row("SWITCH_IN", "10", "100"),
        row("SWITCH_OUT", "-2", "-20"),
        row("MISC", None, "0"),
    )
    assert [e.kind for e in made.events()] == ["dividend", "reinvest", "switch_in", "switch_out"]


def test_what_a_statement_cannot_tell_is_refused() -> None:
    made = imported(row("SEGREGATION", "5", "0"), row("REDEMPTION", "40", "420"), opened="12.5")
    reasons = [one.reason for one in made.refused]
    assert len(reasons) == 3
    for said, reason in zip(
        ("12.5 units whose purchase", "'SEGREGATION'", "units: 40"), reasons, strict=True
    ):
        assert said in reason


def test_the_closing_balance_is_kept_as_stated() -> None:
    [statement] = imported(row("PURCHASE", "100", "1000"), close="99.9").statements
    assert (statement.account, statement.instrument, statement.units) == (
        "77 / 1",
        "amfi:100001",
        Decimal("99.9"),
    )
