"""Consolidated account statements of Indian funds, as the statement parser writes them in JSON."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from folio.books.importers import cells
from folio.books.importers.events import Event, Imported, PassedOver, Statement, gathered
from folio.books.importers.formats import Sample, json_of
from folio.books.rows import RowError
from folio.errors import PayloadError

KINDS = {
    "PURCHASE": "buy", "PURCHASE_SIP": "buy", "REDEMPTION": "sell", "SWITCH_IN": "switch_in",
    "SWITCH_IN_MERGER": "merger_in", "SWITCH_OUT": "switch_out", "SWITCH_OUT_MERGER": "merger_out",
    "DIVIDEND_PAYOUT": "dividend", "DIVIDEND_REINVEST": "reinvest", "DIVIDEND_REINVESTMENT": "reinvest",
    "GIFT_IN": "transfer_in", "GIFT_OUT": "transfer_out", "TRANSFER_IN": "transfer_in",
    "TRANSFER_OUT": "transfer_out", "BONUS": "bonus",
}  # fmt: skip
"""Folio's kinds by the parser's types of transaction."""

TAXES = {"STAMP_DUTY_TAX": "stamp_duty", "STT_TAX": "tax", "TDS_TAX": "tax"}
"""Taxes that stand on lines of their own below the transaction they are of."""

COMING = frozenset(("buy", "switch_in", "reinvest", "merger_in", "transfer_in", "bonus"))


class Cas:
    """A statement of CAMS or KFintech: folios, their schemes, the transactions of each."""

    name = "cas"
    title = "consolidated account statement (JSON)"

    def nearness(self, sample: Sample) -> float:
        """Whether it is an object with folios that have schemes."""
        said = sample.json
        return float(isinstance(said, dict) and isinstance(said.get("folios"), list))

    def read(self, payload: bytes) -> Imported:
        """Read every scheme of every folio; lines are counted as transactions from the top of the file."""
        said = json_of(payload)
        assert isinstance(said, dict)
        records: list[tuple[int, str, Callable[[], Iterator[Event]]]] = []
        statements = []
        line = 0
        for folio in said["folios"]:
            for scheme in _list(folio, "schemes"):
                transactions = _list(scheme, "transactions")
                base = _base(folio, scheme)
                opened = _figure(scheme, "open")
                if opened:
                    records.append((line + 1, str(scheme.get("scheme")), partial(_open, opened)))
                taken = _taxes(transactions)
                undone = _reversals(transactions)
                for place, transaction in enumerate(transactions):
                    line += 1
                    if place in undone:
                        records.append((line, str(transaction), _reversed))
                    else:
                        records.append(
                            (line, str(transaction), partial(_of, transaction, base, taken.get(place)))
                        )
                if statement := _statement(scheme, base):
                    statements.append(statement)
        return replace(gathered(self.name, records), statements=tuple(statements))


def _list(said: object, name: str) -> list[Mapping[str, object]]:
    found = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PayloadError(f"{name}: not a list of objects, as a statement has it")
    return found


def _figure(said: Mapping[str, object], name: str) -> Decimal:
    found = said.get(name)
    if found is None:
        return Decimal(0)
    try:
        return cells.number(str(found))
    except ValueError as wrong:
        raise RowError(f"column {name}: {wrong}") from None


def _day(said: object) -> date:
    try:
        return cells.day(str(said), ("%Y-%m-%d", "%d-%b-%Y"))
    except ValueError as wrong:
        raise RowError(f"column date: {wrong}") from None


def _base(folio: Mapping[str, object], scheme: Mapping[str, object]) -> Event:
    amfi, isin = scheme.get("amfi"), scheme.get("isin")
    name = f"amfi:{amfi}" if amfi else f"isin:{isin}" if isin else None
    return Event(
        kind="",
        trade_date=date.min,
        instrument=name,
        title=str(scheme.get("scheme") or "") or None,
        currency="INR",
        account=str(folio.get("folio") or "").strip() or None,
    )


def _statement(scheme: Mapping[str, object], base: Event) -> Statement | None:
    valuation = scheme.get("valuation")
    if base.instrument is None or scheme.get("close") is None or not isinstance(valuation, dict):
        return None
    return Statement(base.account, base.instrument, _day(valuation.get("date")), _figure(scheme, "close"))


def _taxes(transactions: list[Mapping[str, object]]) -> dict[int, Decimal]:
    """Tax of each transaction by its place: what stands on the lines right below it, of the same day."""
    taken: dict[int, Decimal] = {}
    owner = -1
    for place, transaction in enumerate(transactions):
        kind = str(transaction.get("type"))
        if kind not in TAXES:
            owner = place if kind in KINDS else -1
        elif owner >= 0 and transactions[owner].get("date") == transaction.get("date"):
            taken[owner] = taken.get(owner, Decimal(0)) + abs(_figure(transaction, "amount"))
            taken[place] = Decimal(-1)  # told above
    return taken


def _reversals(transactions: list[Mapping[str, object]]) -> frozenset[int]:
    """Places of reversals and of the transactions before them that they undo: the same units back."""
    undone: set[int] = set()
    for place, transaction in enumerate(transactions):
        if transaction.get("type") != "REVERSAL":
            continue
        for before in range(place - 1, -1, -1):
            same = _figure(transactions[before], "units") == -_figure(transaction, "units")
            if before not in undone and same and transactions[before].get("type") in KINDS:
                undone |= {place, before}
                break
    return frozenset(undone)


def _reversed() -> Iterator[Event]:
    raise PassedOver("failed: the statement undoes it")


def _open(units: Decimal) -> Iterator[Event]:
    raise RowError(
        f"column open: {units} units whose purchase is before this statement; send one from the beginning"
    )


def _of(transaction: Mapping[str, object], base: Event, tax: Decimal | None) -> Iterator[Event]:
    said = str(transaction.get("type"))
    units, amount = _figure(transaction, "units"), _figure(transaction, "amount")
    day = _day(transaction.get("date"))
    event = replace(base, trade_date=day, nav_date=day)
    if base.instrument is None:
        raise RowError("column amfi: the scheme has neither a code nor an ISIN")
    if said in TAXES:
        if tax is not None:
            raise PassedOver("a tax, booked with the transaction above it")
        yield replace(event, kind=TAXES[said], amount=abs(amount), nav_date=None)
        return
    if said == "MISC":
        raise PassedOver(f"a remark: {transaction.get('description')}")
    kind = KINDS.get(said)
    if kind is None:
        raise RowError(f"column type: unknown kind {said!r}; known are {', '.join((*KINDS, *TAXES))}")
    if kind != "dividend" and (units > 0) != (kind in COMING):
        raise RowError(f"column units: {units} in a {said}")
    yield replace(
        event,
        kind=kind,
        units=None if kind == "dividend" else abs(units),
        price=_figure(transaction, "nav") or None,
        amount=abs(amount) if transaction.get("amount") is not None else None,
        tax=tax or Decimal(0),
    )


FORMATS = (Cas(),)
