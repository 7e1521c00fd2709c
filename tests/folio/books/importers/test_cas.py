"""Fund statements: taxes below their transactions, failed instalments, balances."""

import json
from datetime import date
from decimal import Decimal

from folio.books.importers import registry
from folio.books.importers.events import Imported

Transaction = dict[str, object]


def row(kind: str, units: str | None, amount: str, day: str = "2024-01-10") -> Transaction:
    return {"type": kind, "units": units, "amount": amount, "date": day, "nav": "10", "description": kind}


def imported(
    *transactions: Transaction, opened: str = "0.0", close: str = "0", period: dict[str, str] | None = None
) -> Imported:
    scheme = {
        "scheme": "A fund", "amfi": 100001, "isin": "INF000000001", "open": opened, "close": close,
        "valuation": {"date": "2024-04-16"}, "transactions": list(transactions),
    }  # fmt: skip
    folio = {"folio": "77 / 1", "schemes": [scheme]}
    payload = json.dumps({"cas_type": "DETAILED", "statement_period": period, "folios": [folio]})
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
        row("SEGREGATION", "5", "0"),
        row("MISC", None, "0"),
    )
    assert [e.kind for e in made.events()] == [
        *("dividend", "reinvest", "switch_in", "switch_out", "segregation")
    ]


def test_what_a_statement_cannot_tell_is_refused() -> None:
    made = imported(row("UNHEARD_OF", "5", "0"), row("REDEMPTION", "40", "420"), opened="12.5")
    reasons = [one.reason for one in made.refused]
    assert len(reasons) == 3
    for said, reason in zip(("12.5 units whose purchase", "'UNHEARD_OF'", "units: 40"), reasons, strict=True):
        assert said in reason


def test_the_closing_balance_is_kept_as_stated_with_what_may_explain_it() -> None:
    [statement] = imported(
        row("PURCHASE", "100", "1000"), row("UNHEARD_OF", "5", "0"), opened="12.5", close="117.5"
    ).statements
    assert (statement.account, statement.instrument, statement.units, statement.day) == (
        "77 / 1",
        "amfi:100001",
        Decimal("117.5"),
        date(2024, 4, 16),
    )
    assert (statement.opening, statement.own, statement.gap, statement.lines) == (
        Decimal("12.5"),
        Decimal("117.5"),  # also of lines that are rejected
        None,
        (1, 2),
    )


def test_a_gap_is_found_where_the_balance_does_not_follow_whatever_the_order_of_lines() -> None:
    later = {**row("PURCHASE", "10", "100", "2024-03-01"), "balance": "160.000"}
    first = {**row("PURCHASE", "100", "1000"), "balance": "100.000"}
    [statement] = imported(later, first, close="160").statements
    assert (statement.own, statement.gap) == (110, date(2024, 3, 1))
    [at_the_end] = imported(first, close="150").statements
    assert at_the_end.gap == date(2024, 4, 16)


def test_a_statement_is_of_the_last_day_of_its_period() -> None:
    said = {"period": {"from": "01-Jan-2024", "to": "30-Apr-2024"}}
    [statement] = imported(row("PURCHASE", "100", "1000"), close="100", **said).statements
    assert statement.day == date(2024, 4, 30)


def test_figures_that_cannot_be_read_are_refused_where_they_stand_and_the_rest_is_read() -> None:
    made = imported(
        row("PURCHASE", "ten", "1000"),
        row("PURCHASE", "5", "50"),
        row("STAMP_DUTY_TAX", None, "much"),
        opened="some",
        close="none",
    )
    assert [(e.kind, e.units) for e in made.events()] == [("buy", 5)]
    assert [one.line for one in made.refused] == [1, 1, 3]
    assert [(one.line, "column close" in one.reason) for one in made.unstated] == [(1, True)]


def test_a_depository_states_what_accounts_and_folios_hold() -> None:
    said = {
        "file_type": "NSDL",
        "statement_period": {"from": "01-Apr-2024", "to": "30-Apr-2024"},
        "accounts": [
            {
                "name": "A broker", "type": "NSDL", "dp_id": "IN300000", "client_id": "12345678",
                "equities": [{"isin": "INE009A01021", "name": "Infosys", "num_shares": "12"}],
                "mutual_funds": [{"isin": "INF179K01WM1", "folio": "77 / 1", "balance": "10.125"}],
                "bonds": [{"isin": "not one", "num_bonds": "1"}],
            }
        ],
    }  # fmt: skip
    payload = json.dumps(said).encode()
    found = registry.recognise(payload)
    assert found is not None
    assert found.name == "depository"
    made = found.read(payload)
    assert list(made.events()) == []
    assert [(s.account, s.instrument, s.day, s.units, s.line) for s in made.statements] == [
        ("IN30000012345678", "isin:INE009A01021", date(2024, 4, 30), 12, 1),
        ("77 / 1", "isin:INF179K01WM1", date(2024, 4, 30), Decimal("10.125"), 2),
    ]
    assert [one.line for one in made.unstated] == [3]
