"""Cases of wash-sale-tracker: losses denied, lots cut in two, cost and dates of replacements."""

from datetime import date
from decimal import Decimal
from typing import Any

from folio.figures.lots.wash_sales import TaxLot, wash_sales
from tests.cases.case import Case, only

FIELDS = (
    *("shares", "symbol", "label", "buy_date", "basis", "sell_date", "proceeds", "buy_lot"),
    *("disallowed_loss", "code", "is_replacement", "adjusted_buy_date", "adjusted_basis", "replacement_for"),
)
CENT = Decimal("0.01")


def read_wash_sales(case: Case) -> None:
    """Every lot expected, by all that the peer says of it; order is not."""
    only(case.expected, "lots", "total_disallowed_loss")
    found = washed(case)
    _same(sorted((_row(lot) for lot in found), key=repr), [_told(lot) for lot in case.expected["lots"]])
    denied = sum((lot.disallowed for lot in found), start=Decimal(0))
    assert denied == Decimal(case.expected["total_disallowed_loss"])


def washed(case: Case) -> tuple[TaxLot, ...]:
    """Folio's lots after wash sales, in cents."""
    only(case.inputs, "lots", "substantially_identical")
    identical = case.inputs.get("substantially_identical")
    assert identical in (None, "all lots in the case"), f"no reader knows {identical!r}"
    lots = []
    for number, lot in enumerate(case.inputs["lots"], start=1):
        only(lot, *FIELDS)
        sold, basis = lot.get("sell_date"), Decimal(lot["basis"])
        bought = date.fromisoformat(lot["buy_date"])
        counted_from = date.fromisoformat(lot.get("adjusted_buy_date") or lot["buy_date"])
        lots.append(
            TaxLot(
                lot_id=str(number),
                purchase_id=lot.get("buy_lot") or f"_{number}",
                group="all" if identical else lot["symbol"],
                units=Decimal(lot["shares"]),
                acquisition_date=bought,
                cost=basis,
                sale_date=date.fromisoformat(sold) if sold else None,
                proceeds=Decimal(lot["proceeds"]) if sold else None,
                disallowed=Decimal(lot.get("disallowed_loss") or 0),
                is_replacement=bool(lot.get("is_replacement")),
                cost_added=Decimal(lot.get("adjusted_basis") or basis) - basis,
                days_added=(bought - counted_from).days,
                replaces=tuple(lot.get("replacement_for") or ()),
            )
        )
    return wash_sales(lots, money=CENT)


def _row(lot: TaxLot) -> tuple[Any, ...]:
    return (
        lot.units, lot.purchase_id, lot.acquisition_date, lot.cost, lot.sale_date, lot.proceeds,
        lot.disallowed, lot.is_replacement,
        lot.adjusted_acquisition_date if lot.is_replacement else None,
        lot.adjusted_cost if lot.is_replacement else None,
        tuple(sorted(set(lot.replaces))),
    )  # fmt: skip


def _told(lot: dict[str, Any]) -> tuple[Any, ...]:
    only(lot, *FIELDS)
    day = {
        name: date.fromisoformat(lot[name]) if lot.get(name) else None for name in FIELDS if "date" in name
    }
    money = {
        name: Decimal(lot[name]) if lot.get(name) is not None else None
        for name in ("proceeds", "adjusted_basis")
    }
    denied = Decimal(lot.get("disallowed_loss") or 0)
    assert (lot.get("code") == "W") == bool(denied)
    return (
        Decimal(lot["shares"]), lot["buy_lot"], day["buy_date"], Decimal(lot["basis"]), day["sell_date"],
        money["proceeds"], denied, bool(lot.get("is_replacement")), day["adjusted_buy_date"],
        money["adjusted_basis"], tuple(sorted(set(lot.get("replacement_for", ())))),
    )  # fmt: skip


def _same(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert found == sorted(expected, key=repr)


READERS = {"wash_sales": read_wash_sales}
