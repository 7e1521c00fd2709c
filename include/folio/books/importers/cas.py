"""Consolidated account statements of Indian funds, as the statement parser writes them in JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from folio.books.importers import cells
from folio.books.importers.events import (
    UNITS_TOLERANCE,
    Event,
    Imported,
    PassedOver,
    Statement,
    gathered,
    with_statements,
)
from folio.books.importers.formats import Format, Sample, json_of
from folio.books.rows import RowError
from folio.errors import PayloadError

KINDS = {
    "PURCHASE": "buy", "PURCHASE_SIP": "buy", "REDEMPTION": "sell", "SWITCH_IN": "switch_in",
    "SWITCH_IN_MERGER": "merger_in", "SWITCH_OUT": "switch_out", "SWITCH_OUT_MERGER": "merger_out",
    "DIVIDEND_PAYOUT": "dividend", "DIVIDEND_REINVEST": "reinvest", "DIVIDEND_REINVESTMENT": "reinvest",
    "GIFT_IN": "transfer_in", "GIFT_OUT": "transfer_out", "TRANSFER_IN": "transfer_in",
    "TRANSFER_OUT": "transfer_out", "BONUS": "bonus", "SEGREGATION": "segregation",
}  # fmt: skip
"""Folio's kinds by the parser's types of transaction."""

TAXES = {"STAMP_DUTY_TAX": "stamp_duty", "STT_TAX": "tax", "TDS_TAX": "tax"}
"""Taxes that stand on lines of their own below the transaction they are of."""

COMING = frozenset(("buy", "switch_in", "reinvest", "merger_in", "segregation", "transfer_in", "bonus"))


class Cas:
    """A statement of CAMS or KFintech: folios, their schemes, the transactions of each."""

    name = "cas"
    title = "consolidated account statement (JSON)"
    states_balances = True

    def nearness(self, sample: Sample) -> float:
        """Whether it is an object with folios that have schemes."""
        said = sample.json
        return float(isinstance(said, dict) and isinstance(said.get("folios"), list))

    def read(self, payload: bytes) -> Imported:
        """Read every scheme of every folio.

        Lines are counted as transactions from the top of the file, those of balances as schemes.
        """
        said = json_of(payload)
        assert isinstance(said, dict)
        records: list[tuple[int, str, Callable[[], Iterator[Event]]]] = []
        balances: list[tuple[str, Callable[[int], Statement | None]]] = []
        line = 0
        for folio in said["folios"]:
            for scheme in _list(folio, "schemes"):
                transactions = _list(scheme, "transactions")
                base = _base(folio, scheme)
                if scheme.get("open") is not None and _told(scheme, "open") != 0:
                    records.append((line + 1, str(scheme.get("scheme")), partial(_open, scheme)))
                lines = (line + 1, line + len(transactions)) if transactions else None
                stated = partial(_statement, scheme, base, transactions, said.get("statement_period"), lines)
                balances.append((str(scheme.get("scheme")), stated))
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
        return with_statements(gathered(self.name, records), balances)


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


def _told(said: Mapping[str, object], name: str) -> Decimal | None:
    """A figure to compare with; None where there is none, or none that can be read: its record says why."""
    try:
        return None if said.get(name) is None else _figure(said, name)
    except RowError:
        return None


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


def _statement(
    scheme: Mapping[str, object],
    base: Event,
    transactions: Sequence[Mapping[str, object]],
    period: object,
    lines: tuple[int, int] | None,
    line: int,
) -> Statement | None:
    """Closing units of a scheme at the end of the statement; None where it says none."""
    if scheme.get("close") is None:
        return None
    if base.instrument is None:
        raise RowError("column amfi: the scheme has neither a code nor an ISIN")
    day, units = _closing_day(scheme, period), _figure(scheme, "close")
    opening = _told(scheme, "open")
    own = (opening or Decimal(0)) + sum(_told(one, "units") or Decimal(0) for one in transactions)
    return Statement(
        base.account,
        base.instrument,
        day,
        units,
        line,
        title=base.title,
        opening=opening,
        own=own if own >= 0 else None,
        gap=_gap(transactions, opening or Decimal(0), units, day),
        lines=lines,
    )


def _closing_day(scheme: Mapping[str, object], period: object) -> date:
    """Day at whose end the closing units were held: the statement's last, or that of its valuation if later.

    A statement is valued at the last price up to its end, so the valuation is the later one only where the
    period does not say all.
    """
    valuation = scheme.get("valuation")
    said = [valuation.get("date") if isinstance(valuation, dict) else None]
    said.append(period.get("to") if isinstance(period, dict) else None)
    days = [_day(one) for one in said if one is not None]
    if not days:
        raise RowError("column valuation: no day, and the statement has no period")
    return max(days)


def _gap(
    transactions: Sequence[Mapping[str, object]], opening: Decimal, closing: Decimal, end: date
) -> date | None:
    """First day by which the balances show units that no listed transaction moved; None where none do."""
    dated: list[tuple[date, Mapping[str, object]]] = []
    for one in transactions:
        try:
            dated.append((_day(one.get("date")), one))
        except RowError:
            return None  # its order is not known; the record says why
    held = opening
    for day, one in sorted(dated, key=lambda pair: pair[0]):
        held += _told(one, "units") or Decimal(0)
        balance = _told(one, "balance")
        if balance is not None and abs(balance - held) > UNITS_TOLERANCE:
            return day
    return end if abs(closing - held) > UNITS_TOLERANCE else None


def _taxes(transactions: list[Mapping[str, object]]) -> dict[int, Decimal]:
    """Tax of each transaction by its place: what stands on the lines right below it, of the same day."""
    taken: dict[int, Decimal] = {}
    owner = -1
    for place, transaction in enumerate(transactions):
        kind = str(transaction.get("type"))
        if kind not in TAXES:
            owner = place if kind in KINDS else -1
        elif (
            owner >= 0
            and transactions[owner].get("date") == transaction.get("date")
            and (amount := _told(transaction, "amount")) is not None
        ):
            taken[owner] = taken.get(owner, Decimal(0)) + abs(amount)
            taken[place] = Decimal(-1)  # told above
    return taken


def _reversals(transactions: list[Mapping[str, object]]) -> frozenset[int]:
    """Places of reversals and of the transactions before them that they undo: the same units back."""
    undone: set[int] = set()
    for place, transaction in enumerate(transactions):
        if transaction.get("type") != "REVERSAL":
            continue
        for before in range(place - 1, -1, -1):
            undoing = _told(transaction, "units")
            same = undoing is not None and _told(transactions[before], "units") == -undoing
            if before not in undone and same and transactions[before].get("type") in KINDS:
                undone |= {place, before}
                break
    return frozenset(undone)


def _reversed() -> Iterator[Event]:
    raise PassedOver("failed: the statement undoes it")


def _open(scheme: Mapping[str, object]) -> Iterator[Event]:
    units = _figure(scheme, "open")
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


class Depository:
    """A statement of NSDL or CDSL: what demat accounts and folios hold, without their transactions."""

    name = "depository"
    title = "depository statement (JSON)"
    states_balances = True

    def nearness(self, sample: Sample) -> float:
        """Whether it is an object with accounts that list their holdings."""
        said = sample.json
        accounts = said.get("accounts") if isinstance(said, dict) else None
        if not isinstance(accounts, list) or not accounts:
            return 0.0
        return float(all(isinstance(one, dict) and HOLDINGS.keys() & one.keys() for one in accounts))

    def read(self, payload: bytes) -> Imported:
        """Read every holding; lines are counted as holdings from the top of the file."""
        said = json_of(payload)
        assert isinstance(said, dict)
        period = said.get("statement_period")
        day = period.get("to") if isinstance(period, dict) else None
        balances = [
            (str(one.get("name") or one.get("isin")), partial(_holding, account, one, column, day))
            for account in _list(said, "accounts")
            for name, column in HOLDINGS.items()
            if name in account
            for one in _list(account, name)
        ]
        return with_statements(gathered(self.name, ()), balances)


HOLDINGS = {"equities": "num_shares", "mutual_funds": "balance", "bonds": "num_bonds"}
"""Lists of holdings of an account, and where each has its units."""


def _holding(
    account: Mapping[str, object], said: Mapping[str, object], column: str, day: object, line: int
) -> Statement:
    """Units of a holding in its folio, where it names one, else in the demat account."""
    isin = str(said.get("isin") or "")
    if not cells.is_isin(isin):
        raise RowError(f"column isin: {isin!r} is none")
    if said.get(column) is None:
        raise RowError(f"column {column}: empty")
    demat = f"{account.get('dp_id') or ''}{account.get('client_id') or ''}"
    return Statement(
        str(said.get("folio") or "").strip() or demat or None,
        f"isin:{isin}",
        _day(day),
        _figure(said, column),
        line,
        title=str(said.get("name") or "") or None,
    )


FORMATS: tuple[Format, ...] = (Cas(), Depository())
