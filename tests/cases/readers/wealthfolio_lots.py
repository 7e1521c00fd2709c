"""Cases of Wealthfolio about holdings and splits: units, cost without fees, cash."""

import csv
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from folio.figures.lots.events import ZERO, LotEvent, Oversold
from folio.figures.lots.matching import match_lots
from folio.settings import ROOT
from tests.cases.case import Case, Differs, only

KINDS = {"SELL": "sell", "BUY": "buy", "SPLIT": "split", "DEPOSIT": "deposit", "WITHDRAWAL": "withdrawal"} | {
    "DIVIDEND": "dividend",
    "INTEREST": "interest",
    "FEE": "fee",
    "TAX": "tax",
    "TRANSFER_IN": "transfer_in",
    "TRANSFER_OUT": "transfer_out",
    "ADD_HOLDING": "transfer_in",
    "REMOVE_HOLDING": "transfer_out",
}
FIGURES = ("quantity", "average_cost", "total_cost_basis", "cash", "net_contribution_change", "as_of")


def read_positions(case: Case) -> None:
    """Units and cost of the symbol as of the day, on the split basis of the end, and cash."""
    given, expected = case.inputs, case.expected
    only(given, "currency", "start", "activities", "symbol")
    only(expected, *FIGURES)
    start = given.get("start") or {}
    only(start, "cash", "lots", "net_contribution")
    as_of = date.fromisoformat(expected.get("as_of") or max(row["date"] for row in given["activities"])[:10])
    symbols = {lot["symbol"] for lot in start.get("lots", ())}
    symbols |= {row["symbol"] for row in given["activities"] if row.get("symbol")}
    symbols = {given["symbol"]} if "symbol" in given else symbols
    found: dict[str, Decimal] = {}
    cash, contributed = _cash(start, given["activities"], as_of)
    for symbol in symbols:
        found, moved = _position(start, given["activities"], symbol, as_of)
        contributed += moved
    if len(symbols) != 1:
        found = {}
    found |= {"cash": cash, "net_contribution_change": contributed}
    for figure, wanted in expected.items():
        if figure != "as_of" and wanted is not None:
            assert found[figure] == Decimal(str(wanted)), (figure, found.get(figure))


def _position(
    start: Any, activities: list[Any], symbol: str, as_of: date
) -> tuple[dict[str, Decimal], Decimal]:
    """Units and cost as of the day, and the cost of units that came from or went to other accounts."""
    events = []
    moved = ZERO
    going: list[str] = []
    for number, lot in enumerate(start.get("lots", ())):
        only(lot, "symbol", "quantity", "cost_basis", "acquired")
        if lot["symbol"] == symbol:
            cost = Decimal(lot["cost_basis"])
            day = date.fromisoformat(lot["acquired"])
            events.append(LotEvent(f"start-{number}", day, "open", Decimal(lot["quantity"]), cost, cost))
    later = Decimal(1)
    for number, row in enumerate(sorted(activities, key=lambda row: row["date"])):
        only(
            row, "date", "type", "symbol", "quantity", "unit_price", "fee", "amount", "ratio", "currency"
        )  # fmt: skip
        if row.get("symbol") != symbol:
            continue
        effect = {"buy": "open", "transfer_in": "open", "sell": "close", "transfer_out": "close"} | {
            "split": "split"
        }
        kind = KINDS[row["type"]]
        if kind not in effect:
            continue
        day, name = date.fromisoformat(row["date"][:10]), f"activity-{number}"
        if kind == "split":
            ratio = Decimal(row.get("ratio") or row["amount"])
            later *= ratio if day > as_of else 1
            events.append(LotEvent(name, day, "split", ratio=ratio))
            continue
        units = Decimal(row["quantity"])
        amount = units * Decimal(row.get("unit_price") or 0)
        opens = effect[kind] == "open"
        if kind == "transfer_in" and day <= as_of:
            moved += amount
        elif kind == "transfer_out" and day <= as_of:
            going.append(name)
        events.append(
            LotEvent(
                name, day, "open" if opens else "close", units,
                price_cost=amount if opens else ZERO,
                tax_cost=amount if opens else ZERO,
                proceeds=ZERO if opens else amount,
            )
        )  # fmt: skip
    try:
        history = match_lots(events)
    except Oversold:
        raise Differs("Selling more than is held") from None
    held = [interval for interval in history.intervals if interval.valid_from <= as_of]
    units, cost = (held[-1].units * later, held[-1].price_cost) if held else (ZERO, ZERO)
    moved -= sum(
        (match.price_cost for match in history.matches if match.closing_event_id in going), start=ZERO
    )
    found = {"quantity": units, "total_cost_basis": cost, "average_cost": cost / units if units else ZERO}
    return found, moved


def _cash(start: Any, activities: list[Any], as_of: date) -> tuple[Decimal, Decimal]:
    """Cash, and what was paid in less what was taken out."""
    signs = _cash_signs()
    cash, contributed = Decimal(start.get("cash") or 0), ZERO
    for row in activities:
        if date.fromisoformat(row["date"][:10]) > as_of:
            continue
        kind, fee = KINDS[row["type"]], Decimal(row.get("fee") or 0)
        if not row.get("symbol"):  # what moves without a symbol is money
            kind = {"transfer_in": "deposit", "transfer_out": "withdrawal"}.get(kind, kind)
        amount = Decimal(row["amount"]) if row.get("amount") else ZERO
        if row.get("unit_price") and kind != "split":
            amount = Decimal(row["quantity"]) * Decimal(row["unit_price"])
        cash += signs[kind] * amount - fee
        if kind in ("deposit", "withdrawal"):
            contributed += signs[kind] * amount
    return cash, contributed


def _cash_signs() -> Mapping[str, int]:
    with (ROOT / "dbt_project" / "seeds" / "transaction_kinds.csv").open(newline="") as file:
        return {row["kind"]: int(row["cash_sign"]) for row in csv.DictReader(file)}


READERS = {"holdings": read_positions, "splits": read_positions}
