"""Cases of cad-capital-gains: adjusted cost base and superficial losses in Canadian dollars.

The peer denies the whole of a superficial loss, as the wording of the act does, so that share is asked for.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from folio.figures.lots.events import ZERO, LotEvent, LotRules, SuperficialLoss
from folio.figures.lots.matching import match_lots
from tests.cases.case import Case, only

SIGNS = {"0": 0, "-": -1, "-1": -1, "<0": -1, "negative": -1, "+": 1, "1": 1, ">0": 1, "positive": 1}


def read_rows(case: Case) -> None:
    only(case.expected, "rows")
    for row, expected in zip(_rows(case), case.expected["rows"], strict=True):
        _check(row, expected)


def read_superficial_loss(case: Case) -> None:
    if "rows" in case.expected:
        read_rows(case)
    else:
        _check(_rows(case)[case.expected["sell_row"]], case.expected)


def _rows(case: Case) -> list[dict[str, Any]]:
    """One row a transaction: what it cost or brought, and what is left after it."""
    only(case.inputs, "fx", "transactions")
    events: dict[str, list[LotEvent]] = {}
    rows = []
    for number, transaction in enumerate(case.inputs["transactions"]):
        only(
            transaction,
            "date",
            "symbol",
            "action",
            "quantity",
            "price",
            "commission",
            "currency",
            "description",
        )
        rate = _rate(case.inputs["fx"], transaction["currency"], transaction["date"])
        units = Decimal(str(transaction["quantity"]))
        amount = units * Decimal(str(transaction["price"])) * rate
        fee = Decimal(str(transaction["commission"])) * rate
        buys = {"BUY": True, "SELL": False}[transaction["action"]]
        events.setdefault(transaction["symbol"], []).append(
            LotEvent(
                str(number),
                date.fromisoformat(transaction["date"]),
                "open" if buys else "close",
                units,
                price_cost=amount if buys else ZERO,
                tax_cost=amount + fee if buys else ZERO,
                proceeds=ZERO if buys else amount - fee,
            )
        )
        rows.append({"symbol": transaction["symbol"], "proceeds": amount, "expenses": fee, "buys": buys})
    rules = LotRules(superficial=SuperficialLoss(share="whole"))
    for number, row in enumerate(rows):
        symbol = row["symbol"]
        mine = [event for event in events[symbol] if int(event.event_id) <= number]
        after = match_lots(mine, "acb", rules)
        history = match_lots(events[symbol], "acb", rules)
        sold = [match for match in history.matches if match.closing_event_id == str(number)]
        bought = next(event.tax_cost for event in mine if event.event_id == str(number))
        cost = bought if row["buys"] else sum((match.tax_cost for match in sold), start=ZERO)
        row |= {
            "share_balance": sum((lot.units_open for lot in after.open_lots), start=ZERO),
            "capital_gain": sum((match.taxable_gain for match in sold), start=ZERO),
            "acb_total": cost,
            "acb_of_this_purchase": cost,
            "superficial_loss": any(match.disallowed for match in sold),
        }
    return rows


def _check(row: dict[str, Any], expected: dict[str, Any]) -> None:
    only(
        expected, "sell_row", "share_balance", "proceeds", "capital_gain", "capital_gain_sign", "acb_total",
        "acb_of_this_purchase", "superficial_loss", "expenses",
    )  # fmt: skip
    for figure, wanted in expected.items():
        if wanted is None or figure == "sell_row":
            continue
        if figure == "capital_gain_sign":
            gain = row["capital_gain"]
            assert (gain > 0) - (gain < 0) == SIGNS[str(wanted)], gain
        elif figure == "superficial_loss":
            assert row[figure] == wanted
        else:
            assert round(row[figure], 2) == Decimal(str(wanted)), (figure, row[figure], wanted)


def _rate(rates: dict[str, Any], currency: str, day: str) -> Decimal:
    if currency == "CAD":
        return Decimal(1)
    quoted = rates[f"{currency}CAD"]
    return Decimal(quoted[day]) if isinstance(quoted, dict) else Decimal(str(quoted).split()[0])


READERS = {"acb": read_rows, "superficial_loss": read_superficial_loss}
