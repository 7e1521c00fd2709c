"""Flex queries: executions, cancelled trades, changes of money, commissions and cash."""

from decimal import Decimal

from folio.books.importers import registry
from folio.books.importers.events import Imported

TRADE = (
    '<Trade accountId="U1" currency="{currency}" assetCategory="{category}" symbol="{symbol}" conid="7" '
    'tradeID="{id}" transactionID="{id}" tradeDate="20240208" dateTime="20240208;101500" '
    'quantity="{quantity}" tradePrice="10" tradeMoney="{money}" taxes="0" ibCommission="{commission}" '
    'ibCommissionCurrency="{paid_in}" '
    'levelOfDetail="EXECUTION" {more}/>'
)
DEFAULTS = {
    "currency": "USD", "category": "STK", "symbol": "X", "id": "1", "quantity": "5", "money": "50",
    "commission": "-1", "paid_in": "USD", "more": "",
}  # fmt: skip
CASH = (
    '<CashTransaction accountId="U1" currency="USD" conid="7" description="X(US0378331005) CASH DIVIDEND" '
    'dateTime="20240301;202000" settleDate="20240301" amount="{amount}" type="{type}" transactionID="{id}"/>'
)


def trade(**said: str) -> str:
    return TRADE.format(**{**DEFAULTS, **said})


def imported(*elements: str) -> Imported:
    body = "\n".join(elements)
    payload = (
        '<FlexQueryResponse queryName="q"><FlexStatements><FlexStatement accountId="U1">\n'
        f"{body}\n</FlexStatement></FlexStatements></FlexQueryResponse>"
    )
    found = registry.recognise(payload.encode())
    assert found is not None
    return found.read(payload.encode())


def test_a_contract_has_the_isin_that_any_line_of_the_query_says() -> None:
    made = imported(trade(), CASH.format(amount="3", type="Dividends", id="2"))
    assert {event.instrument for event in made.events()} == {"isin:US0378331005"}
    assert [event.kind for event in made.events()] == ["buy", "dividend"]


def test_a_trade_and_its_cancellation_book_nothing_and_the_new_one_counts() -> None:
    cancel = 'transactionType="TradeCancel" origTradeID="1" origTransactionID="1"'
    made = imported(
        trade(),
        trade(id="2", quantity="-5", commission="0", more=cancel),
        trade(id="3", quantity="4", money="40"),
    )
    assert [(event.units, event.amount) for event in made.events()] == [(4, 40)]
    assert [one.line for one in made.passed] == [2, 3]


def test_a_commission_in_another_currency_and_a_rebate_are_events_of_their_own() -> None:
    other = imported(trade(paid_in="EUR"))
    assert [(e.kind, e.fee, e.amount, e.currency) for e in other.events()] == [
        ("buy", 0, 50, "USD"),
        ("fee", 0, 1, "EUR"),
    ]
    rebate = imported(trade(commission="0.25"))
    assert [(e.kind, e.reverses, e.amount) for e in rebate.events()] == [
        ("buy", None, 50),
        ("reversal", "fee", Decimal("0.25")),
    ]


def test_a_change_of_money_is_no_flow_and_an_unknown_currency_is_refused() -> None:
    made = imported(trade(category="CASH", symbol="EUR.USD", quantity="-5", money="-50", commission="0"))
    assert [(e.kind, e.amount, e.currency) for e in made.events()] == [
        ("withdrawal", 5, "EUR"),
        ("deposit", 50, "USD"),
    ]
    [refused] = imported(trade(category="CASH", symbol="EUR.XXX", quantity="-5")).refused
    assert "'XXX' is not a currency" in refused.reason


def test_a_dividend_taken_back_and_a_tax_paid_back_are_reversals() -> None:
    made = imported(
        CASH.format(amount="-3", type="Dividends", id="2"),
        CASH.format(amount="0.5", type="Withholding Tax", id="3"),
    )
    assert [(e.kind, e.reverses, e.amount) for e in made.events()] == [
        ("reversal", "dividend", 3),
        ("reversal", "tax", Decimal("0.5")),
    ]


def test_options_and_summaries_are_not_booked() -> None:
    made = imported(trade(category="OPT"), trade(id="2").replace("EXECUTION", "ORDER"))
    assert "OPT is not held as units" in made.refused[0].reason
    assert "executions are what counts" in made.passed[0].reason
