"""A figure's way back: the cell that readers see, what it is made of, and the lines of payloads under it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from folio.errors import FolioError, PayloadError
from folio.sources import exact, payloads
from folio.sources.connectors import ecb
from folio.sources.tables import TABLES

Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The line of a payload that a fact stands on, and the row of raw that was made of it.

    `text` is that line, or that record of a JSON payload; None where the payload is not in the store.
    """

    table: str
    row: Mapping[str, object]
    load_id: UUID
    line: int
    file: str
    slot: str
    observed_at: datetime
    payload_sha256: str
    text: str | None


@dataclass(frozen=True)
class Step:
    """One step of the way: a figure in words, the cell that holds it, and what it is made of.

    `problem` says why the way ends here without a source.
    """

    what: str
    figure: str
    cell: str | None = None
    inputs: tuple["Step", ...] = ()
    source: Source | None = None
    problem: str | None = None

    def sources(self) -> list[Source]:
        """Every line under this step, in order."""
        own = [self.source] if self.source else []
        return [*own, *(source for one in self.inputs for source in one.sources())]


def explain(
    connection: psycopg.Connection[Any], portfolio: str, figure: str, day: date, *, folder: Path
) -> Step:
    """The way back of a published figure of a portfolio on a day.

    Parameters
    ----------
    portfolio : its key in the books.
    figure : one of FIGURES, with its subject after a colon: `value`, `units:share-aapl`, `twr:1Y`.
    folder : the payload store.

    Raises
    ------
    FolioError
        No such portfolio or figure is known, or it is not published for that day.
    """
    name, _, subject = figure.partition(":")
    if name not in FIGURES:
        raise FolioError(f"No figure {name!r} is known; known are {', '.join(FIGURES)}.")
    way = _Way(connection, folder, day)
    found = way.rows(
        "select portfolio_id, portfolio_currency from marts.dim_portfolios where portfolio_code = %s",
        portfolio,
    )
    if not found:
        raise FolioError(f"No portfolio {portfolio!r} is published.")
    return FIGURES[name](way, found[0]["portfolio_id"], subject)


@dataclass
class _Way:
    """Questions to the warehouse and the payload store about one day; each payload is read once."""

    connection: psycopg.Connection[Any]
    folder: Path
    day: date
    records: dict[str, list[str]] = field(default_factory=dict)

    def rows(self, query: str, *parameters: object) -> list[Row]:
        """Answer of the database, by column."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def instrument(self, code: str) -> Row:
        """The instrument of a key; FolioError where none is published."""
        found = self.rows("select * from marts.dim_instruments where instrument_code = %s", code)
        if not found:
            raise FolioError(f"No instrument {code!r} is published; write the figure as `units:KEY`.")
        return found[0]

    def source(self, load_id: UUID, line: int, wanted: Mapping[str, object] = MappingProxyType({})) -> Source:
        """The row of raw that a load made of a line; `wanted` tells it from others of that line."""
        load = self.rows(
            "select raw_table, request, slot, observed_at, payload_sha256 from raw.loads where load_id = %s",
            load_id,
        )[0]
        table = TABLES[load["raw_table"]]
        conditions = sql.SQL(" and ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in ("load_id", "line", *wanted)
        )
        query = sql.SQL("select {} from raw.{} where {}").format(
            sql.SQL(", ").join(map(sql.Identifier, table.columns)), sql.Identifier(table.name), conditions
        )
        with self.connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(query, [load_id, line, *wanted.values()]).fetchone()
        return Source(
            f"raw.{table.name}",
            row or {},
            load_id,
            line,
            load["request"],
            load["slot"],
            load["observed_at"],
            load["payload_sha256"],
            self._text(load["payload_sha256"], line),
        )

    def _text(self, sha256: str, line: int) -> str | None:
        if sha256 not in self.records:
            try:
                self.records[sha256] = records_of(payloads.read(self.folder, sha256))
            except PayloadError:
                self.records[sha256] = []
        records = self.records[sha256]
        return records[line - 1].rstrip("\r") if line <= len(records) else None


def records_of(body: bytes) -> list[str]:
    """What a payload's line numbers count: lines of a text, or of JSON the objects that hold no list.

    Of a zip they count those of its one file, as of the ECB's.
    """
    if body.lstrip()[:1] in (b"{", b"["):
        return [json.dumps(one, default=str) for one in _objects(exact.document(body))]
    return ecb.unpacked(body).split("\n")


def _objects(said: object) -> Iterator[object]:
    if isinstance(said, dict):
        for value in said.values():
            yield from _objects(value)
    elif isinstance(said, list):
        for one in said:
            if isinstance(one, dict) and not any(isinstance(value, list) for value in one.values()):
                yield one
            else:
                yield from _objects(one)


def _plain(figure: Decimal | None, unit: str = "") -> str:
    return "unknown" if figure is None else f"{figure.normalize():f} {unit}".strip()


def _cell(relation: str, column: str, **key: object) -> str:
    return f"marts.{relation}.{column} where " + " and ".join(f"{k} = {v}" for k, v in key.items())


# prices and rates


def _price(way: _Way, portfolio_id: UUID, subject: str) -> Step:
    return price_of(way, way.instrument(subject))


def price_of(way: _Way, instrument: Row) -> Step:
    """Price of an instrument on the day: who said it, and the line that holds it."""
    found = way.rows(
        "select * from marts.fct_prices_daily where instrument_id = %s and valuation_date = %s",
        instrument["instrument_id"],
        way.day,
    )
    if not found:
        raise FolioError(f"No price of {instrument['instrument_code']} is published for {way.day}.")
    row = found[0]
    carried = f", carried {row['days_carried']} days" if row["days_carried"] else ""
    has_source = row["price_load_id"] is not None and row["price_line"] is not None
    return Step(
        f"price of {instrument['instrument_code']} of {row['price_date']} by {row['price_source']}{carried}",
        _plain(row["price_local"], row["local_currency"]),
        _cell(
            "fct_prices_daily",
            "price_local",
            instrument_id=instrument["instrument_id"],
            valuation_date=way.day,
        ),
        source=way.source(row["price_load_id"], row["price_line"]) if has_source else None,
        problem=None if has_source else row["missing_reason"] or "no source said it",
    )


def _rate(way: _Way, from_currency: str, to_currency: str) -> Step | None:
    """Rate between two currencies on the day; None where they are one."""
    if from_currency == to_currency:
        return None
    found = way.rows(
        "select * from marts.fct_fx_rates_daily "
        "where from_currency = %s and to_currency = %s and valuation_date = %s",
        from_currency,
        to_currency,
        way.day,
    )
    row = found[0] if found else {"rate": None}
    legs = tuple(
        Step(
            f"{leg['currency_code']} for one euro on {leg['rate_date']}",
            _plain(leg["units_per_eur"]),
            source=way.source(leg["load_id"], leg["line"], {"currency_code": leg["currency_code"]}),
        )
        for currency in (from_currency, to_currency)
        if currency != "EUR"
        for leg in way.rows(
            "select currency_code, rate_date, units_per_eur, load_id, line from raw.ecb_fx_rates "
            "where currency_code = %s and rate_date <= %s "
            "and observed_at <= (select max(known_at) from history.publications) "
            "order by rate_date desc, observed_at desc, load_id desc limit 1",
            currency,
            way.day,
        )
    )
    return Step(
        f"rate from {from_currency} to {to_currency}",
        _plain(row["rate"]),
        _cell(
            "fct_fx_rates_daily",
            "rate",
            from_currency=from_currency,
            to_currency=to_currency,
            valuation_date=way.day,
        ),
        legs,
    )


# bookings

BOOKINGS = """
    select bookings.*, account_code, instrument_code
    from marts.fct_transactions as bookings
    join marts.dim_accounts using (account_id)
    left join marts.dim_instruments using (instrument_id)
    where not is_rejected and status = 'settled' and {}
    order by trade_date, load_id, source_line, transaction_id
"""


def _bookings(way: _Way, condition: str, *parameters: object) -> tuple[Step, ...]:
    """Settled bookings that count, each with the line of the file that it came with."""
    steps = []
    for row in way.rows(BOOKINGS.format(condition), *parameters):
        size = _plain(row["units"], "units ") if row["units"] is not None else ""
        money = _plain(row["amount_account"], row["account_currency"])
        steps.append(
            Step(
                " ".join(filter(None, (row["kind"], row["instrument_code"], f"on {row['trade_date']}")))
                + f" in {row['account_code']}",
                f"{size} {money}".strip(),
                _cell("fct_transactions", "*", transaction_id=row["transaction_id"]),
                source=way.source(
                    row["load_id"], row["source_line"], {"transaction_id": row["transaction_id"]}
                ),
            )
        )
    return tuple(steps)


def _splits(way: _Way, instrument_id: UUID) -> tuple[Step, ...]:
    rows = way.rows(
        "select * from marts.fct_corporate_actions "
        "where instrument_id = %s and action_kind in ('split', 'bonus') and is_used and ex_date <= %s "
        "order by ex_date",
        instrument_id,
        way.day,
    )
    return tuple(
        Step(
            f"{row['action_kind']} on {row['ex_date']} by {row['action_source']}",
            f"{_plain(row['ratio'])} for 1",
        )
        for row in rows
    )


# units, cost and gains


def _positions(way: _Way, portfolio_id: UUID, instrument: Row) -> list[Row]:
    found = way.rows(
        "select positions.*, account_code from marts.fct_positions as positions "
        "join marts.dim_accounts using (account_id) "
        "where positions.portfolio_id = %s and instrument_id = %s and valid_from <= %s "
        "and (valid_to is null or valid_to > %s) order by account_code",
        portfolio_id,
        instrument["instrument_id"],
        way.day,
        way.day,
    )
    if not found:
        raise FolioError(f"{instrument['instrument_code']} is not held on {way.day}.")
    return found


def units_in(way: _Way, position: Row, instrument: Row) -> Step:
    """Units of a position, from every booking and split up to the day."""
    key = (position["account_id"], instrument["instrument_id"])
    bookings = _bookings(
        way,
        "bookings.account_id = %s and bookings.instrument_id = %s and trade_date <= %s "
        "and bookings.units is not null",
        *key,
        way.day,
    )
    return Step(
        f"units of {instrument['instrument_code']} in {position['account_code']} "
        f"since {position['valid_from']}",
        _plain(position["units"]),
        _cell(
            "fct_positions",
            "units",
            account_id=key[0],
            instrument_id=key[1],
            valid_from=position["valid_from"],
        ),
        (*bookings, *_splits(way, key[1])),
    )


def _units(way: _Way, portfolio_id: UUID, subject: str) -> Step:
    instrument = way.instrument(subject)
    positions = _positions(way, portfolio_id, instrument)
    return Step(
        f"units of {subject} on {way.day}",
        _plain(sum((one["units"] for one in positions), Decimal(0))),
        inputs=tuple(units_in(way, one, instrument) for one in positions),
    )


def _cost(way: _Way, portfolio_id: UUID, subject: str) -> Step:
    instrument = way.instrument(subject)
    positions = _positions(way, portfolio_id, instrument)
    steps = tuple(
        Step(
            f"cost with fees of {subject} in {one['account_code']} since {one['valid_from']}",
            _plain(one["tax_cost_account"], one["account_currency"]),
            _cell(
                "fct_positions",
                "tax_cost_account",
                account_id=one["account_id"],
                instrument_id=one["instrument_id"],
                valid_from=one["valid_from"],
            ),
            _lots(way, one),
        )
        for one in positions
    )
    currencies = {one["account_currency"] for one in positions}
    total = sum((one["tax_cost_account"] for one in positions), Decimal(0))
    return Step(
        f"cost of {subject} on {way.day}",
        _plain(total, currencies.pop()) if len(currencies) == 1 else "by account, in its currency",
        inputs=steps,
    )


def _lots(way: _Way, position: Row) -> tuple[Step, ...]:
    """Lots opened up to the day, as they stand at the last valuation date, with what opened them."""
    rows = way.rows(
        "select * from marts.fct_tax_lots where account_id = %s and instrument_id = %s and opened_on <= %s "
        "order by acquisition_date, lot_id",
        position["account_id"],
        position["instrument_id"],
        way.day,
    )
    return tuple(
        Step(
            f"lot of {row['acquisition_date']}, {_plain(row['units_open'])} of "
            f"{_plain(row['units_acquired'])} units open on {row['valuation_date']}",
            _plain(row["tax_cost_open_account"], row["account_currency"]),
            _cell("fct_tax_lots", "tax_cost_open_account", lot_id=row["lot_id"]),
            _bookings(way, "bookings.transaction_id = %s", row["opening_transaction_id"]),
        )
        for row in rows
    )


def _realised_gain(way: _Way, portfolio_id: UUID, subject: str) -> Step:
    rows = way.rows(
        "select gains.*, instrument_code, lots.opening_transaction_id "
        "from marts.fct_realised_gains as gains join marts.dim_instruments using (instrument_id) "
        "left join marts.fct_tax_lots as lots using (lot_id) "
        "where gains.portfolio_id = %s and sale_date = %s and (%s = '' or instrument_code = %s) "
        "order by closing_transaction_id, gains.acquisition_date, lot_id",
        portfolio_id,
        way.day,
        subject,
        subject,
    )
    if not rows:
        raise FolioError(f"Nothing{f' of {subject}' if subject else ''} was sold on {way.day}.")
    steps = tuple(
        Step(
            f"{_plain(row['units'])} {row['instrument_code']} of the lot of {row['acquisition_date']}: "
            f"{_plain(row['proceeds_account'])} less {_plain(row['tax_cost_account'])}",
            _plain(row["gain_account"], row["account_currency"]),
            _cell(
                "fct_realised_gains",
                "gain_account",
                closing_transaction_id=row["closing_transaction_id"],
                lot_id=row["lot_id"],
            ),
            (
                *_bookings(way, "bookings.transaction_id = %s", row["closing_transaction_id"]),
                *_bookings(way, "bookings.transaction_id = %s", row["opening_transaction_id"]),
            ),
        )
        for row in rows
    )
    total = sum((row["gain_portfolio"] or Decimal(0) for row in rows), Decimal(0))
    return Step(
        f"realised gain {subject} on {way.day}".replace("  ", " "),
        _plain(total, rows[0]["portfolio_currency"]),
        inputs=steps,
    )


# values and returns


def _value(way: _Way, portfolio_id: UUID, subject: str) -> Step:
    found = way.rows(
        "select * from marts.fct_portfolio_values_daily where portfolio_id = %s and valuation_date = %s",
        portfolio_id,
        way.day,
    )
    if not found:
        raise FolioError(f"No value of the portfolio is published for {way.day}.")
    held = way.rows(
        "select held.*, account_code, instrument_code, instrument_kind from marts.holdings_on(%s) as held "
        "join marts.dim_accounts using (account_id) join marts.dim_instruments using (instrument_id) "
        "where held.portfolio_id = %s order by account_code, instrument_code",
        way.day,
        portfolio_id,
    )
    return Step(
        f"value on {way.day}",
        _plain(found[0]["value_portfolio"], found[0]["portfolio_currency"]),
        _cell(
            "fct_portfolio_values_daily",
            "value_portfolio",
            portfolio_id=portfolio_id,
            valuation_date=way.day,
        ),
        tuple(_holding(way, one) for one in held),
    )


def _holding(way: _Way, held: Row) -> Step:
    """A position or a cash balance, its units, price and rate."""
    rate = _rate(way, held["local_currency"], held["portfolio_currency"])
    inputs: tuple[Step, ...] = (rate,) if rate else ()
    if held["instrument_code"].startswith("cash:"):
        bookings = _bookings(
            way,
            "bookings.account_id = %s and trade_date <= %s and net_cash_account <> 0",
            held["account_id"],
            way.day,
        )
        inputs = (*bookings, *_in_transit(way, held), *inputs)
    else:
        instrument = way.instrument(held["instrument_code"])
        [position] = [
            one
            for one in _positions(way, held["portfolio_id"], instrument)
            if one["account_id"] == held["account_id"]
        ]
        inputs = (units_in(way, position, instrument), price_of(way, instrument), *inputs)
    return Step(
        f"{held['instrument_code']} in {held['account_code']}: {_plain(held['units'])} at "
        f"{_plain(held['price_local'], held['local_currency'])}",
        _plain(held["value_portfolio"], held["portfolio_currency"]),
        f"marts.holdings_on('{way.day}') where account_id = {held['account_id']} "
        f"and instrument_id = {held['instrument_id']}",
        inputs,
    )


def _in_transit(way: _Way, held: Row) -> tuple[Step, ...]:
    """What the account has sent and is still on its way, which counts with its cash."""
    found = way.rows(
        "select in_transit_account, account_currency from marts.fct_cash_balances "
        "where account_id = %s and valid_from <= %s and (valid_to is null or valid_to > %s) "
        "and in_transit_account <> 0",
        held["account_id"],
        way.day,
        way.day,
    )
    return tuple(
        Step(
            "on its way, at its value when it left",
            _plain(row["in_transit_account"], row["account_currency"]),
            f"marts.fct_cash_balances.in_transit_account where account_id = {held['account_id']}",
            _bookings(
                way,
                "bookings.account_id = %s and trade_date <= %s and in_transit_until > %s",
                held["account_id"],
                way.day,
                way.day,
            ),
        )
        for row in found
    )


def _rate_of_return(column: str) -> Callable[[_Way, UUID, str], Step]:
    def of_period(way: _Way, portfolio_id: UUID, subject: str) -> Step:
        period = subject or "ITD"
        found = way.rows(
            "select * from history.fct_period_results "
            "where portfolio_id = %s and period = %s and end_date = %s order by known_from desc limit 1",
            portfolio_id,
            period,
            way.day,
        )
        if not found:
            raise FolioError(
                f"No {column} of period {period} is published for {way.day}: rates are kept of nights' "
                f"valuation dates, under the names in `fct_period_results`."
            )
        row = found[0]
        flows = way.rows(
            "select valuation_date, net_flow_portfolio, portfolio_currency "
            "from marts.fct_portfolio_values_daily "
            "where portfolio_id = %s and valuation_date > %s and valuation_date <= %s "
            "and net_flow_portfolio <> 0 order by 1",
            portfolio_id,
            row["start_date"],
            way.day,
        )
        currency = row["portfolio_currency"]
        return Step(
            f"{column} of {period}, {row['start_date']} to {row['end_date']}",
            _plain(row[column]),
            _cell("fct_period_results", column, portfolio_id=portfolio_id, period=period),
            (
                Step(f"value on {row['start_date']}", _plain(row["initial_value_portfolio"], currency)),
                *(
                    Step(
                        f"flows of {one['valuation_date']}",
                        _plain(one["net_flow_portfolio"], one["portfolio_currency"]),
                        _cell(
                            "fct_portfolio_values_daily",
                            "net_flow_portfolio",
                            portfolio_id=portfolio_id,
                            valuation_date=one["valuation_date"],
                        ),
                        _bookings(
                            way,
                            "bookings.portfolio_id = %s and trade_date = %s",
                            portfolio_id,
                            one["valuation_date"],
                        ),
                    )
                    for one in flows
                ),
                _value(way, portfolio_id, ""),
            ),
        )

    return of_period


FIGURES: Mapping[str, Callable[[_Way, UUID, str], Step]] = MappingProxyType(
    {
        "value": _value,
        "units": _units,
        "cost": _cost,
        "realised_gain": _realised_gain,
        "twr": _rate_of_return("twr"),
        "xirr": _rate_of_return("xirr"),
        "price": _price,
    }
)
"""Figures that can be explained, and what follows their way."""
