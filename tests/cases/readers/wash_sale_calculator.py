"""Cases of wash-sale-calculator: as wash-sale-tracker, but replacements show adjusted dates and cost."""

from datetime import date
from decimal import Decimal
from typing import Any

from folio.figures.lots.wash_sales import TaxLot
from tests.cases.case import Case, only
from tests.cases.readers.wash_sale_tracker import washed

FIELDS = (
    *("shares", "symbol", "label", "buy_date", "basis", "sell_date", "proceeds", "buy_lot"),
    *("disallowed_loss", "code", "is_replacement", "basis_is_adjusted", "replacement_for"),
)


def read_wash_sales(case: Case) -> None:
    """Every lot expected, by all that the peer says of it; order is not."""
    only(case.expected, "lots", "total_disallowed_loss")
    found = washed(case)
    assert sorted(map(_row, found), key=repr) == sorted(map(_told, case.expected["lots"]), key=repr)
    denied = sum((lot.disallowed for lot in found), start=Decimal(0))
    assert denied == Decimal(case.expected["total_disallowed_loss"])


def _row(lot: TaxLot) -> tuple[Any, ...]:
    return (
        lot.units, lot.adjusted_acquisition_date, lot.adjusted_cost, lot.sale_date, lot.proceeds,
        lot.disallowed, lot.is_replacement,
    )  # fmt: skip


def _told(lot: dict[str, Any]) -> tuple[Any, ...]:
    only(lot, *FIELDS)
    assert (lot.get("code") == "W") == bool(Decimal(lot.get("disallowed_loss") or 0))
    sold = lot.get("sell_date")
    return (
        Decimal(lot["shares"]), date.fromisoformat(lot["buy_date"]), Decimal(lot["basis"]),
        date.fromisoformat(sold) if sold else None, Decimal(lot["proceeds"]) if sold else None,
        Decimal(lot.get("disallowed_loss") or 0), bool(lot.get("is_replacement")),
    )  # fmt: skip


READERS = {"wash_sales": read_wash_sales}
