"""What wallets and exchange accounts hold by their own account: taken in, and held against the ledger.

Balances are snapshots of the moment they are asked for, in the night after the day they are filed under.
They become no bookings; where they differ from the ledger's units, that is a finding of the night.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg

from folio.jobs import aliases
from folio.jobs.ingest import open_source, source_of_night, take_in
from folio.jobs.nights import Night
from folio.quality import expectations
from folio.settings import Settings, settings
from folio.sources.connectors import esplora, ethereum, exchanges
from folio.sources.connectors.exchanges import Account, Exchange, Keys
from folio.sources.landing import Ask, Load
from folio.store import warehouse

FIRST_TRADES = date(2011, 1, 1)
"""Day from which trades are asked for the first time: before any of these exchanges opened."""

TRADES_AGAIN = timedelta(days=7)
"""Days before the last trades taken in that each night asks for again."""

SAME_UNITS = Decimal("0.00000001")
"""Difference between balance and ledger that is none: one satoshi."""

ACCOUNT_PROVIDERS = {"kraken": "kraken", "binance": "binance", "coinbase": "coinbase_accounts"}
"""Provider that knows the accounts at each exchange."""


def wallet_balances(night: str) -> list[Load]:
    """Take in the balances of every wallet address in the books; a chain without one is not asked."""
    this = Night.parse(night)
    day = this.valuation_date.isoformat()
    loads: list[Load] = []
    with warehouse.connect() as connection:
        addresses = {chain: _addresses(connection, chain) for chain in (ethereum.CHAIN, esplora.CHAIN)}
        tokens = [
            token
            for alias in aliases.current(connection, "contract", this)
            for chain, _, token in [alias.partition(":")]
            if chain == ethereum.CHAIN and token != ethereum.NATIVE
        ]
    if found := addresses[ethereum.CHAIN]:
        with source_of_night("ethereum", this) as (connection, http):
            if http is not None:
                fetch = partial(ethereum.Ethereum(http).fetch_balances, found, tokens)
                ask = Ask("ethereum", "balances", day, this.id, http.shown(http.base_url))
                loads.append(take_in(connection, ask, fetch))
    if found := addresses[esplora.CHAIN]:
        with source_of_night("esplora", this) as (connection, http):
            if http is not None:
                fetch = partial(esplora.Esplora(http).fetch_balances, found)
                ask = Ask("esplora", "balances", day, this.id, http.shown())
                loads.append(take_in(connection, ask, fetch))
    return loads


def exchange_accounts(night: str) -> list[Load]:
    """Take in balances and trades at every exchange whose read-only key and secret are set."""
    this = Night.parse(night)
    loads: list[Load] = []
    for exchange in exchanges.EXCHANGES:
        keys = keys_of(exchange, settings())
        if keys is None:
            continue
        with open_source(ACCOUNT_PROVIDERS[exchange], settings(), this) as (connection, http):
            if http is None:
                continue
            account = Account(exchange, http, keys)
            day = this.valuation_date.isoformat()
            ask = Ask(exchange, "balances", day, this.id, http.shown())
            loads.append(take_in(connection, ask, account.fetch_balances))
            since = _first_day_of_trades(connection, exchange)
            pairs = aliases.current(connection, exchange, this)
            if exchange != "binance" or pairs:  # which tells trades only pair by pair
                ask = Ask(exchange, "trades", day, this.id, http.shown())
                loads.append(take_in(connection, ask, partial(account.fetch_trades, since, pairs)))
    return loads


def keys_of(exchange: Exchange, current: Settings) -> Keys | None:
    """Read-only key and secret of an exchange; None where either is missing."""
    key, secret = getattr(current, f"{exchange}_key"), getattr(current, f"{exchange}_secret")
    return Keys(key, secret) if key and secret else None


def compare_with_ledger(night: str) -> int:
    """Write a finding for each asset of a wallet account whose balance differs from the ledger's units.

    Counts what was taken in for the night's valuation date; needs the built positions. Gives the number of
    findings. An asset that no alias of scheme `contract` names belongs to no instrument and is left out.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        differing = connection.execute(
            COMPARISON, {"day": this.valuation_date, "tolerance": SAME_UNITS}
        ).fetchall()
        connection.execute(
            "delete from ops.check_results where night = %s and check_name = %s", (this.id, CHECK)
        )
        for account_key, instrument_key, balance, units in differing:
            expectations.record(
                connection,
                this.id,
                check_name=CHECK,
                subject=f"{account_key} {instrument_key}",
                severity="warn",
                status="warned",
                observed=f"{balance:f} at its addresses",
                expected=f"{units:f} by the ledger",
                note="A booking is missing or wrong, or an address of the account is not in the books.",
            )
    return len(differing)


CHECK = "wallet holds what the ledger says"

COMPARISON = """
    with addresses as (
        select distinct on (chain, address) chain, address, account_key
        from raw.book_wallet_addresses order by chain, address, observed_at desc, load_id desc
    ),
    contracts as (
        select distinct on (alias) alias, instrument_key
        from (
            select distinct on (alias, valid_from) alias, valid_from, valid_to, instrument_key
            from raw.book_instrument_aliases
            where scheme = 'contract'
            order by alias, valid_from, observed_at desc, load_id desc
        ) as names
        where valid_from <= %(day)s and (valid_to is null or valid_to > %(day)s)
            and instrument_key is not null
        order by alias, valid_from desc
    ),
    balances as (
        select distinct on (chain, address, asset) chain, address, asset, balance
        from raw.wallet_balances
        where balance_date = %(day)s
        order by chain, address, asset, observed_at desc, load_id desc
    ),
    asked as (
        select addresses.account_key, contracts.instrument_key, sum(balances.balance) as balance
        from balances
        join addresses using (chain, address)
        join contracts on contracts.alias = balances.chain || ':' || balances.asset
        group by 1, 2
    ),
    booked as (
        select account_ids.source_key as account_key, instrument_ids.source_key as instrument_key,
               max(positions.units) as units  -- every lot method holds the same
        from build.fct_positions as positions
        join raw.identities as account_ids
            on account_ids.kind = 'account' and account_ids.id = positions.account_id
        join raw.identities as instrument_ids
            on instrument_ids.kind = 'instrument' and instrument_ids.id = positions.instrument_id
        where positions.valid_to is null
        group by 1, 2
    )
    select asked.account_key, asked.instrument_key, asked.balance, coalesce(booked.units, 0) as units
    from asked left join booked using (account_key, instrument_key)
    where abs(asked.balance - coalesce(booked.units, 0)) >= %(tolerance)s
    order by 1, 2
"""


def _addresses(connection: psycopg.Connection[Any], chain: str) -> list[str]:
    """Addresses of a chain that the books name, in order."""
    rows = connection.execute(
        "select distinct address from raw.book_wallet_addresses where chain = %s order by 1", (chain,)
    ).fetchall()
    connection.rollback()
    return [row[0] for row in rows]


def _first_day_of_trades(connection: psycopg.Connection[Any], exchange: Exchange) -> date:
    """Day from which trades are asked for: shortly before the last one known."""
    row = connection.execute(
        "select max(traded_at) from raw.exchange_trades where exchange = %s", (exchange,)
    ).fetchone()
    connection.rollback()
    return row[0].date() - TRADES_AGAIN if row and row[0] else FIRST_TRADES
