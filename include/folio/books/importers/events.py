"""What an importer makes of a file: events as Folio books them, lines it refuses, lines that book nothing."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from folio.books.formats.statements import StatementRow
from folio.books.formats.transactions import TransactionRow
from folio.books.rows import RowError

NOTHING = Decimal(0)

UNITS_TOLERANCE = Decimal("0.001")
"""Units by which a statement may differ from its transactions: registrars round to three decimals."""

PLACES = {"amount": 8, "fee": 8, "tax": 8, "price": 10, "fx_rate": 12}
"""Decimals that a figure is rounded to where an export writes, or a product of two figures has, more."""


class PassedOver(ValueError):
    """A line that is no event of the account: a heading, a total, a move within it; the text says what."""


@dataclass(frozen=True)
class Event:
    """One event as its source tells it; figures are positive, the kind gives the direction.

    `instrument` is `scheme:alias` and `title` what the source calls it in words. `account` is the source's
    own name of the account where it has one. Without `currency` it is the account's. `source_id` tells this
    event from every other of its account at the source; where it has none, its content does.
    """

    kind: str
    trade_date: date
    instrument: str | None = None
    units: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    fee: Decimal = NOTHING
    tax: Decimal = NOTHING
    fx_rate: Decimal | None = None
    settlement_date: date | None = None
    occurred_at: datetime | None = None
    nav_date: date | None = None
    pair_key: str | None = None
    reverses: str | None = None
    status: str = "settled"
    source_id: str | None = None
    account: str | None = None
    title: str | None = None

    def content(self) -> str:
        """SHA-256, cut to 32 digits, of all that makes this the event it is; equal numbers hash alike."""
        said = (
            self.kind, self.reverses, self.trade_date, self.occurred_at, self.nav_date, self.instrument,
            self.units, self.amount, self.currency, self.fee, self.tax,
        )  # fmt: skip
        text = "\x1f".join(f"{v.normalize():f}" if isinstance(v, Decimal) else str(v) for v in said)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def row(self) -> TransactionRow:
        """The event as a row of Folio's own that is still to be named; RowError says what cannot be."""
        said: dict[str, object] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("source_id", "account", "title", "currency")
            and getattr(self, field.name) is not None
        }
        for name, places in PLACES.items():
            if isinstance(figure := said.get(name), Decimal):
                said[name] = rounded(figure, places)
        return TransactionRow.of({**said, "account_key": "-", "currency": self.currency or "EUR"})


@dataclass(frozen=True)
class Booked:
    """A record of a file that holds one event, or several that stand or fall together.

    `rows` are the events as rows of Folio's own, checked but for their names (`TransactionRow.named`).
    """

    line: int
    content: str
    events: tuple[Event, ...]
    rows: tuple[TransactionRow, ...]


@dataclass(frozen=True)
class Refused:
    """A line that holds an event which cannot be booked, and why."""

    line: int
    content: str
    reason: str


@dataclass(frozen=True)
class Passed:
    """A line that holds no event of the account, and what it holds."""

    line: int
    reason: str


@dataclass(frozen=True)
class Statement:
    """Units of an instrument that a source says an account held at the end of a day.

    `line` counts from 1: that of the file, or of the statement among those of the file. `opening` and `own`
    are the units at its beginning and those that it makes with all the transactions it lists, `gap` the first
    day by which the source's own balances show that some are not listed, `lines` the first and last line of
    its transactions; each None where the source does not say.
    """

    account: str | None
    instrument: str
    day: date
    units: Decimal
    line: int
    title: str | None = None
    opening: Decimal | None = None
    own: Decimal | None = None
    gap: date | None = None
    lines: tuple[int, int] | None = None

    def row(self, account_key: str) -> StatementRow:
        """The statement as a row of Folio's own; RowError names what cannot be."""
        first, last = self.lines or (None, None)
        return StatementRow.of(
            {
                "account_key": account_key,
                "instrument": self.instrument,
                "statement_date": self.day,
                "units": self.units,
                "opening_units": self.opening,
                "own_units": self.own,
                "gap_date": self.gap,
                "first_line": first,
                "last_line": last,
            }
        )


@dataclass(frozen=True)
class Imported:
    """A whole file: every line that is not blank is in one of the first three, or part of a record there.

    `unstated` are balances that cannot be read, with their reasons.
    """

    format: str
    booked: tuple[Booked, ...]
    refused: tuple[Refused, ...]
    passed: tuple[Passed, ...] = ()
    statements: tuple[Statement, ...] = ()
    unstated: tuple[Refused, ...] = ()

    def events(self) -> Iterator[Event]:
        """All events in the order of the file; one that the file repeats under its id counts once."""
        told: set[tuple[str | None, str]] = set()
        for record, named in identified(self):
            assert len(record.events) == len(named)
            for event, external_id in named:
                if (event.account, external_id) not in told:
                    told.add((event.account, external_id))
                    yield event

    def kinds(self) -> Counter[str]:
        """How many events there are of each kind."""
        return Counter(event.kind for event in self.events())

    def closing_units(self, account: str | None = None) -> dict[str, Decimal]:
        """Units of each instrument after all events, as if the accounts began empty; none that end at 0.

        Of one account of the source, where it is named.
        """
        told = (event for event in self.events() if account is None or event.account == account)
        order = sorted(told, key=lambda e: (e.trade_date, e.kind != "split"))
        held: defaultdict[str, Decimal] = defaultdict(Decimal)
        for event in order:
            if event.instrument is None or event.units is None or event.status != "settled":
                continue
            if event.kind == "split":
                held[event.instrument] *= event.units
            else:
                held[event.instrument] += DIRECTION[event.kind] * event.units
        return {name: units for name, units in sorted(held.items()) if units}

    def accounts(self) -> list[str]:
        """Names that the source has for the accounts of its events and statements."""
        named = {event.account for event in self.events()} | {one.account for one in self.statements}
        return sorted(name for name in named if name is not None)


DIRECTION = {
    **dict.fromkeys(
        ("buy", "switch_in", "swap_in", "reinvest", "transfer_in", "bonus", "merger_in", "spin_off",
         "segregation", "staking_reward", "airdrop"), 1
    ),
    **dict.fromkeys(
        ("sell", "switch_out", "swap_out", "transfer_out", "merger_out", "network_fee"), -1
    ),
}  # fmt: skip
"""Whether units come (1) or leave (-1) by an event of a kind."""


def rounded(figure: Decimal, places: int) -> Decimal:
    """A figure to so many decimals, half to even; as it is where it has no more."""
    exponent = figure.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        return figure.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return figure


def identified(imported: Imported) -> Iterator[tuple[Booked, list[tuple[Event, str]]]]:
    """Every record with its events and their external ids, which do not depend on the order of lines.

    An event without an id of the source is known by its content and its number among equal ones of its
    account, so that true twins stay two and the same twins in a later file are those again.
    """
    seen: Counter[tuple[str | None, str]] = Counter()
    for record in imported.booked:
        named = []
        for event in record.events:
            if event.source_id is not None:
                named.append((event, event.source_id))
                continue
            content = event.content()
            seen[event.account, content] += 1
            named.append((event, f"{imported.format}#{content}.{seen[event.account, content]}"))
        yield record, named


def of_kind(kind: str, figure: Decimal, event: Event) -> Event:
    """The event as one of `kind` with an amount, or as its reversal where the figure is negative."""
    if figure < 0:
        return replace(event, kind="reversal", reverses=kind, amount=-figure)
    return replace(event, kind=kind, amount=figure)


def gathered(
    format_name: str,
    records: Iterable[tuple[int, str, Callable[[], Iterator[Event]]]],
) -> Imported:
    """Take the events of every record: (line, content, what makes them); what one raises is its verdict."""
    booked, refused, passed = [], [], []
    for line, content, make in records:
        try:
            made = tuple(make())
            if not made:
                raise PassedOver("moves nothing")
            rows = tuple(event.row() for event in made)
        except PassedOver as why:
            passed.append(Passed(line, str(why)))
        except RowError as wrong:
            refused.append(Refused(line, content, str(wrong)))
        else:
            booked.append(Booked(line, content, made, rows))
    return Imported(format_name, tuple(booked), tuple(refused), tuple(passed))


def with_statements(
    imported: Imported, balances: Iterable[tuple[str, Callable[[int], Statement | None]]]
) -> Imported:
    """The file with the balances it states: (content, what makes one of its number, or None), from 1."""
    stated, unstated = [], []
    for number, (content, make) in enumerate(balances, start=1):
        try:
            if (statement := make(number)) is not None:
                statement.row("-")
                stated.append(statement)
        except RowError as wrong:
            unstated.append(Refused(number, content, str(wrong)))
    return replace(imported, statements=tuple(stated), unstated=tuple(unstated))
