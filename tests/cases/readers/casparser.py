"""Cases of casparser: gains of Indian mutual funds, stamp duty by units, flags of Schedule 112A."""

from datetime import date
from decimal import Decimal
from typing import Any

from folio.figures.lots.events import ZERO, LotEvent, LotRules
from folio.figures.lots.matching import match_lots
from folio.figures.lots.terms import term_rule
from folio.jobs.tax_rules import grandfathering_rules, term_rules
from tests.cases.case import Case, only

OPENING = (
    *("PURCHASE", "PURCHASE_SIP", "REVERSAL", "SWITCH_IN", "SWITCH_IN_MERGER", "DIVIDEND_REINVEST"),
    "GIFT_IN",
)
CLOSING = ("REDEMPTION", "SWITCH_OUT", "SWITCH_OUT_MERGER")
GIVEN = "GIFT_OUT"
CASH_ONLY = ("STT_TAX", "TDS_TAX", "DIVIDEND_PAYOUT", "MISC")
TERMS = {"LTCG": "long", "STCG": "short"}


def read_mf_gains(case: Case) -> None:
    if "transactions" in case.inputs:
        _read_transactions(case)
        return
    only(case.inputs, "sale_dates", "purchase_dates", "fund_type")
    only(case.expected, "flag", "transfer_flag", "acquired_flag")
    asset_class = case.inputs.get("fund_type", "EQUITY").lower()
    flags = {"transfer_flag": [], "acquired_flag": []}
    for text in case.inputs.get("sale_dates", ()):
        sold = date.fromisoformat(text)
        flags["transfer_flag"].append(term_rule(term_rules(), "india", asset_class, sold, sold).transfer_code)
    (old_units,) = [rule for rule in grandfathering_rules() if rule.regime == "india"]
    for text in case.inputs.get("purchase_dates", ()):
        flags["acquired_flag"].append(old_units.acquired_code(date.fromisoformat(text)))
    asked = "transfer_flag" if "sale_dates" in case.inputs else "acquired_flag"
    for name, wanted in case.expected.items():
        assert flags[asked if name == "flag" else name] == wanted


def _read_transactions(case: Case) -> None:
    only(case.inputs, "fund_type", "transactions")
    only(
        case.expected, "gains_rows", "stamp_duty_per_sale", "stamp_duty_total", "gain_per_sale", "gain_total",
        "purchase_value_per_sale", "term_per_sale", "units_left",
    )  # fmt: skip
    history = match_lots(_events(case.inputs["transactions"]), rules=LotRules(money=Decimal("0.01")))
    asset_class = case.inputs["fund_type"].lower()
    rows = history.matches
    with_duty = "stamp" in str((case.method or {}).get("gain", ""))
    found: dict[str, Any] = {
        "gains_rows": len(rows),
        "stamp_duty_per_sale": [row.tax_cost - row.price_cost for row in rows],
        "gain_per_sale": [row.proceeds - (row.tax_cost if with_duty else row.price_cost) for row in rows],
        "purchase_value_per_sale": [row.price_cost for row in rows],
        "term_per_sale": [
            term_rule(term_rules(), "india", asset_class, row.acquisition_date, row.close_date).term(
                row.acquisition_date, row.close_date
            )
            for row in rows
        ],
        "units_left": sum((lot.units_open for lot in history.open_lots), start=ZERO),
    }
    found["stamp_duty_total"] = sum(found["stamp_duty_per_sale"], start=ZERO)
    found["gain_total"] = sum(found["gain_per_sale"], start=ZERO)
    for figure, wanted in case.expected.items():
        if isinstance(wanted, list):
            expected = [
                TERMS.get(item, item) if figure == "term_per_sale" else Decimal(item) for item in wanted
            ]
            assert found[figure] == expected, (figure, found[figure])
        elif wanted is not None:
            assert found[figure] == Decimal(str(wanted)), (figure, found[figure])


def _events(transactions: list[dict[str, Any]]) -> list[LotEvent]:
    """Purchases of a day as one, with the stamp duty beside them, then its redemptions as one."""
    bought: dict[str, list[Decimal]] = {}
    sold: dict[str, list[Decimal]] = {}
    given: dict[str, list[Decimal]] = {}
    duties: dict[str, Decimal] = {}
    for row in transactions:
        only(row, "date", "type", "amount", "units", "nav", "description", "balance", "dividend_rate")
        kind, amount = row["type"], Decimal(row["amount"] or 0)
        if kind == "STAMP_DUTY_TAX":
            duties[row["date"]] = duties.get(row["date"], ZERO) + amount
            continue
        if kind in CASH_ONLY:
            continue
        sides = {**dict.fromkeys(OPENING, bought), **dict.fromkeys(CLOSING, sold), GIVEN: given}
        assert kind in sides, f"no reader knows {kind}"
        day = sides[kind].setdefault(row["date"], [ZERO, ZERO])
        day[0] += Decimal(row["units"])
        day[1] += amount
    assert duties.keys() <= bought.keys(), "stamp duty without a purchase that day"
    events = []
    for text in sorted({*bought, *sold, *given}):
        day = date.fromisoformat(text)
        units, amount = bought.get(text, (ZERO, ZERO))
        assert units >= 0, f"more taken back than bought on {text}"
        if units:
            cost = amount + duties.get(text, ZERO)
            events.append(LotEvent(f"bought-{text}", day, "open", units, amount, cost))
        if text in given:
            events.append(LotEvent(f"given-{text}", day, "transfer_out", -given[text][0]))
        if text in sold:
            units, amount = sold[text]
            events.append(LotEvent(f"sold-{text}", day, "close", -units, proceeds=-amount))
    return events


READERS = {"mf_gains": read_mf_gains}
