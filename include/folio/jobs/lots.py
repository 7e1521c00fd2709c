"""Match sales with the lots that were bought, account by account, and keep positions as intervals."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from folio.books.formats.accounts import ALLOWED_METHODS, ELSEWHERE
from folio.books.identity import surrogate_id
from folio.errors import LotError
from folio.figures.ledger import CARVED
from folio.figures.lots.events import (
    ZERO,
    EventKind,
    LedgerMatch,
    LotEvent,
    LotSelection,
    Method,
    RefusedEvent,
)
from folio.figures.lots.matching import match_ledger
from folio.figures.lots.walk import POOLED
from folio.jobs import transformation
from folio.jobs.lot_taxes import Holder, LotTaxes, Position, rules_of, tax
from folio.jobs.nights import Night
from folio.store import warehouse

EFFECTS: dict[str, EventKind] = {
    **dict.fromkeys(
        ("buy", "reinvest", "switch_in", "bonus", "swap_in", "staking_reward", "airdrop"), "open"
    ),
    **dict.fromkeys(("sell", "switch_out", "swap_out", "network_fee"), "close"),
    **dict.fromkeys(("transfer_out", "merger_out"), "transfer_out"),
    **dict.fromkeys(("transfer_in", "merger_in", "spin_off", "segregation"), "transfer_in"),
    "carve_out": "carve_out",
    "split": "split",
    "return_of_capital": "return_of_capital",
}
"""What kinds of ledger events do to lots; `carve_out` is the side of a spin-off that loses cost."""

CONVERTED = CARVED | {"merger_in"}
"""Kinds whose units are of another instrument than those whose cost they take."""

PAIR_ID = """
    case when events.kind in ('transfer_out', 'transfer_in')
         then events.pair_key || ' ' || events.instrument_id else events.pair_key end
"""
"""What joins two legs, in SQL: one key may move many instruments between accounts, and merges two."""

BATCH = """
    select account_id
    from build.dim_accounts
    join build.dim_portfolios using (portfolio_id)
    where mod(abs(hashtext(household_id::text)::bigint), %(batches)s) = %(batch)s
"""

HOLDERS = f"""
    select accounts.account_id, instruments.instrument_id, accounts.tax_regime, portfolios.tax_unit_id,
           accounts.account_currency, instruments.asset_class, instruments.instrument_kind
    from (
        select distinct account_id, instrument_id
        from build.int_ledger_events
        where account_id in ({BATCH})
    ) as positions
    join build.dim_accounts as accounts using (account_id)
    join build.dim_portfolios as portfolios using (portfolio_id)
    join build.dim_instruments as instruments using (instrument_id)
"""

EVENTS = f"""
    with events as (
        select events.*, accounts.account_currency as home_currency, accounts.tax_regime,
               {PAIR_ID} as pair_id
        from build.int_ledger_events as events
        join build.dim_accounts as accounts using (account_id)
    ), sent as (
        select pair_id, min(home_currency) as home_currency
        from events
        where kind in ('transfer_out', 'merger_out')
        group by pair_id
    )
    select events.account_id, events.instrument_id, events.lot_method,
           events.transaction_id::text as event_id, events.kind, events.trade_date as event_date,
           events.pair_id, coalesce(events.units, 0) as units, coalesce(events.ratio, 1) as ratio,
           events.price_cost_account as price_cost, events.tax_cost_account as tax_cost,
           events.proceeds_account as proceeds, events.external_id as label, events.named_lot,
           events.tax_regime, events.cost_share,
           case when sent.pair_id is null then 1 else rates.rate end as cost_rate
    from events
    left join sent on sent.pair_id = events.pair_id and events.kind in ('transfer_in', 'merger_in')
    left join build.fct_fx_rates_daily as rates
        on rates.from_currency = sent.home_currency
        and rates.to_currency = events.home_currency
        and rates.valuation_date = events.trade_date
    where events.account_id in ({BATCH})
    order by events.account_id, events.instrument_id, events.trade_date, events.sequence
"""


def match(night: str, batch: str) -> None:
    """Write lots, matches, position intervals and refused events of one batch of accounts.

    A batch such as `0/3` holds whole households, so that a transfer finds both its accounts. Events that
    cannot be taken (selling more than is held) are refused with their reason and change nothing else.
    Nothing is done where the values that were made of these lots stand.
    """
    Night.parse(night)
    if transformation.is_built("values"):
        return
    number, batches = (int(part) for part in batch.split("/"))
    this_batch = {"batch": number, "batches": batches}
    with warehouse.connect() as connection:
        events, methods, left_out = _read(connection, this_batch)
        holders = _holders(connection, this_batch)
        rules = {position: rules_of(holders[position], method) for position, method in methods.items()}
        ledger = match_ledger(events, methods, on_refusal="skip", rules=rules)
        taxes = tax(ledger, holders, events)
        accounts = [account for (account,) in connection.execute(BATCH, this_batch)]
        _write(connection, accounts, methods, ledger, taxes, [*left_out, *ledger.refused])


def _read(
    connection: psycopg.Connection[Any], batch: dict[str, int]
) -> tuple[dict[Position, list[LotEvent]], dict[Position, Method], list[RefusedEvent[Position]]]:
    events: dict[Position, list[LotEvent]] = defaultdict(list)
    methods: dict[Position, Method] = {}
    left_out: list[RefusedEvent[Position]] = []
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(EVENTS, batch):
            key = (row.pop("account_id"), row.pop("instrument_id"))
            methods[key] = cast(Method, row.pop("lot_method"))
            kind, lot, regime = row.pop("kind"), row.pop("named_lot"), row.pop("tax_regime")
            if kind not in EFFECTS:
                raise LotError(f"transaction {row['event_id']} is a {kind}, which has no effect on lots")
            if None in (row["price_cost"], row["tax_cost"], row["proceeds"], row["cost_rate"]):
                left_out.append(
                    RefusedEvent(key, row["event_id"], f"no exchange rate on {row['event_date']}")
                )
            elif kind in CARVED and row["cost_share"] is None:
                left_out.append(RefusedEvent(key, row["event_id"], _unshared(kind)))
            elif lot is not None and not _may_name_lots(regime, methods[key]):
                reason = f"names lot {lot}, where {regime} and {methods[key]} say which units are sold"
                left_out.append(RefusedEvent(key, row["event_id"], reason))
            else:
                events[key].append(
                    LotEvent(
                        kind=EFFECTS[kind],
                        changes_instrument=kind in CONVERTED,
                        selection=None if lot is None else LotSelection(label=lot),
                        cost_share=row.pop("cost_share") or ZERO,
                        **row,
                    )
                )
    return events, methods, left_out


def _unshared(kind: str) -> str:
    return f"no {kind} is known by which these units take a share of another instrument's cost"


def _may_name_lots(regime: str, method: Method) -> bool:
    """Whether a sale may say which lots it takes: not where law or a common cost says it."""
    return "specific" in ALLOWED_METHODS.get(regime, ELSEWHERE) and method not in POOLED


def _holders(connection: psycopg.Connection[Any], batch: dict[str, int]) -> dict[Position, Holder]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return {
            (row.pop("account_id"), row.pop("instrument_id")): Holder(**row)
            for row in cursor.execute(HOLDERS, batch)
        }


def _write(
    connection: psycopg.Connection[Any],
    accounts: list[UUID],
    methods: dict[Position, Method],
    ledger: LedgerMatch[Position],
    taxes: LotTaxes,
    refused: list[RefusedEvent[Position]],
) -> None:
    ids: dict[str, UUID] = {
        lot.lot_id: surrogate_id("lot", lot.lot_id)
        for history in ledger.histories.values()
        for lot in history.lots
    }
    tables: dict[str, tuple[list[str], Iterable[tuple[Any, ...]]]] = {
        "computed.lots": (
            [
                *("account_id", "instrument_id", "lot_id", "lot_method", "opening_transaction_id"),
                *("acquisition_date", "opened_on", "units_acquired", "units_open"),
                *("price_cost_open_account", "tax_cost_open_account", "cost_added_account"),
            ],
            (
                (
                    *key,
                    ids[lot.lot_id],
                    methods[key],
                    lot.opening_event_id,
                    lot.acquisition_date,
                    lot.opened_on,
                    lot.units_acquired,
                    lot.units_open,
                    lot.price_cost_open,
                    lot.tax_cost_open,
                    taxes.cost_added.get((key, lot.lot_id), ZERO),
                )
                for key, history in ledger.histories.items()
                for lot in history.lots
            ),
        ),
        "computed.lot_matches": (
            [
                *("account_id", "instrument_id", "closing_transaction_id", "lot_id", "acquisition_date"),
                *("sale_date", "units", "price_cost_account", "tax_cost_account", "proceeds_account"),
                *("match_rule", "term", "disallowed_account", "cost_added_account"),
            ],
            (
                (
                    *key,
                    part.closing_event_id,
                    ids[part.lot_id],
                    part.acquisition_date,
                    part.close_date,
                    part.units,
                    part.price_cost,
                    part.tax_cost,
                    part.proceeds,
                    part.rule,
                    taxed.term,
                    taxed.disallowed,
                    taxed.cost_added,
                )
                for key, history in ledger.histories.items()
                for part, taxed in zip(history.matches, taxes.matches[key], strict=True)
            ),
        ),
        "computed.position_intervals": (
            [
                *("account_id", "instrument_id", "lot_method", "valid_from", "valid_to"),
                *("units", "price_cost_account", "tax_cost_account"),
            ],
            (
                (
                    *key,
                    methods[key],
                    interval.valid_from,
                    interval.valid_to and interval.valid_to + timedelta(days=1),
                    interval.units,
                    interval.price_cost,
                    interval.tax_cost,
                )
                for key, history in ledger.histories.items()
                for interval in history.intervals
                if interval.units
            ),
        ),
        "computed.ledger_rejections": (
            ["transaction_id", "account_id", "reason"],
            # Where both sides of a spin-off are refused, the first says why.
            {
                event.event_id: (event.event_id, event.key[0], event.reason) for event in reversed(refused)
            }.values(),
        ),
    }
    for relation, (columns, rows) in tables.items():
        warehouse.replace(
            connection, relation, columns, rows, where="account_id = any(%s)", parameters=[accounts]
        )
