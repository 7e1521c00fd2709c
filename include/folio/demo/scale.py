"""Synthetic market and book of any size, for benchmarks: accounts x instruments x years from one seed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from folio.books.formats.account_owners import AccountOwnerRow
from folio.books.formats.accounts import AccountRow
from folio.books.formats.instrument_aliases import InstrumentAliasRow
from folio.books.formats.instruments import InstrumentRow
from folio.books.formats.investors import InvestorRow
from folio.books.formats.portfolios import PortfolioRow
from folio.books.formats.targets import TargetRow
from folio.books.formats.transactions import TransactionRow
from folio.demo.ledger import Holder, Ledger, Row, Trade, cents, write_rows
from folio.demo.tables import write_table

SEED = 1
LAST_DAY = date(2013, 2, 27)
DAILY_DRIFT, DAILY_VOLATILITY = 0.0003, 0.012
FIRST_DEPOSIT, MONTHLY_DEPOSIT = 100_000, 1_000
ACCOUNTS_PER_PORTFOLIO = 2

Prices = Mapping[str, Sequence[Decimal]]
"""Closes in dollars by ticker, one for each session."""


def write(
    folder: Path,
    drop: Path,
    *,
    accounts: int = 1000,
    instruments: int = 10,
    years: int = 5,
    last_day: date = LAST_DAY,
    later_sessions: int = 0,
    seed: int = SEED,
) -> list[Path]:
    """Write a market folder as `demo.market` does and a book that is due the day after `last_day`.

    Every account buys every instrument on the first session and one of them each month after: about
    12 + 2 x 12 x years rows an account. The market goes on for `later_sessions` after the book, for
    nights that only bring prices. The same arguments give the same bytes.
    """
    days = sessions(last_day, years)
    later = weekdays(last_day + timedelta(days=1), last_day + timedelta(days=7 + 2 * later_sessions))
    market_days = [*days, *later[:later_sessions]]
    prices = walk(instruments, len(market_days), seed)
    return [*_write_market(folder, market_days, prices, seed), *_write_book(drop, accounts, days, prices)]


def sessions(last_day: date, years: int) -> list[date]:
    """Weekdays of the years up to a day, oldest first."""
    return weekdays(last_day - timedelta(days=365 * years), last_day)


def weekdays(first: date, last: date) -> list[date]:
    """Days from Monday to Friday between two, both included."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


def walk(instruments: int, steps: int, seed: int) -> dict[str, list[Decimal]]:
    """A geometric random walk of each ticker, to the cent, never below one dollar."""
    walks = {}
    for number in range(1, instruments + 1):
        random = Random(f"{seed}|price {number}")
        level, closes = random.uniform(20, 200), []
        for _ in range(steps):
            closes.append(cents(Decimal(repr(max(level, 1.0)))))
            level *= math.exp(random.gauss(DAILY_DRIFT, DAILY_VOLATILITY))
        walks[f"SYN{number:04d}"] = closes
    return walks


def _write_market(folder: Path, days: Sequence[date], prices: Prices, seed: int) -> list[Path]:
    random = Random(f"{seed}|rates")
    dollars, rates = 1.3, []
    for day in days:
        rates.append((day, f"{dollars:.4f}", f"{dollars * 50:.3f}", ""))
        dollars *= math.exp(random.gauss(0, 0.005))
    return [
        write_table(
            folder / "prices.csv",
            ("ticker", "session_date", "open", "high", "low", "close", "volume"),
            (
                (ticker, day, close, close, close, close, 1_000_000)
                for ticker, closes in prices.items()
                for day, close in zip(days, closes, strict=True)
            ),
        ),
        write_table(folder / "splits.csv", ("ticker", "execution_date", "split_from", "split_to"), ()),
        write_table(folder / "dividends.csv", ("ticker", "ex_date", "cash_amount"), ()),
        write_table(folder / "fx.csv", ("Date", "USD", "INR", ""), reversed(rates)),
        write_table(folder / "navs.csv", ("scheme_code", "nav_date", "nav"), ()),
        write_table(
            folder / "schemes.csv", ("scheme_code", "isin", "scheme_name", "category", "fund_house"), ()
        ),
    ]


def _write_book(drop: Path, accounts: int, days: Sequence[date], prices: Prices) -> list[Path]:
    instant = f"{days[-1] + timedelta(days=1)}T0000Z"
    holders = [Holder(f"A{number:06d}", "USD", kept=True, numbered=True) for number in range(accounts)]
    units = range((accounts + ACCOUNTS_PER_PORTFOLIO - 1) // ACCOUNTS_PER_PORTFOLIO)
    owner = {holder.key: place // ACCOUNTS_PER_PORTFOLIO for place, holder in enumerate(holders)}
    investors: Iterable[Row] = (
        {
            "investor_key": f"I{n:06d}",
            "household_key": f"H{n:06d}",
            "tax_unit_key": f"T{n:06d}",
            "name": f"Investor {n:06d}",
            "residency": "US",
            "risk_profile": "balanced",
        }
        for n in units
    )
    portfolios: Iterable[Row] = (
        {
            "portfolio_key": f"P{n:06d}",
            "investor_key": f"I{n:06d}",
            "name": f"Portfolio {n:06d}",
            "currency": "USD",
            "var_limit": Decimal("0.05"),
            "drift_band": Decimal("0.10"),
        }
        for n in units
    )
    account_rows: Iterable[Row] = (
        {
            "account_key": holder.key,
            "portfolio_key": f"P{owner[holder.key]:06d}",
            "name": "Brokerage USD",
            "kind": "brokerage",
            "currency": "USD",
            "tax_regime": "us",
            "lot_method": "fifo",
            "cash_model": "kept",
            "flow_timing": "start",
            "opened_on": days[0],
        }
        for holder in holders
    )
    owners: Iterable[Row] = (
        {
            "account_key": holder.key,
            "investor_key": f"I{owner[holder.key]:06d}",
            "valid_from": days[0],
            "share": Decimal(1),
        }
        for holder in holders
    )
    instruments: Iterable[Row] = (
        {
            "instrument_key": ticker,
            "kind": "equity",
            "name": f"Synthetic share {ticker[3:]}",
            "currency": "USD",
            "asset_class": "equity",
            "sector": f"sector_{place % 7}",
            "region": "synthetic",
            "whole_units": True,
        }
        for place, ticker in enumerate(prices)
    )
    aliases: Iterable[Row] = (
        {"scheme": "ticker", "alias": ticker, "valid_from": date(2000, 1, 1), "instrument_key": ticker}
        for ticker in prices
    )
    weight = (Decimal(1) / len(prices)).quantize(Decimal("0.000001"))
    targets: Iterable[Row] = (
        {
            "portfolio_key": f"P{n:06d}",
            "instrument_key": ticker,
            "valid_from": days[0],
            "weight": weight if place else 1 - weight * (len(prices) - 1),
        }
        for n in units
        for place, ticker in enumerate(prices)
    )
    kinds = (
        (InvestorRow, investors),
        (PortfolioRow, portfolios),
        (AccountRow, account_rows),
        (AccountOwnerRow, owners),
        (InstrumentRow, instruments),
        (InstrumentAliasRow, aliases),
        (TargetRow, targets),
        (TransactionRow, trade(holders, days, prices)),
    )
    return [write_rows(drop / f"{instant}_{kind.dataset}.csv", kind, rows) for kind, rows in kinds]


def trade(holders: Sequence[Holder], days: Sequence[date], prices: Prices) -> list[dict[str, object]]:
    """First purchases of everything, then a deposit and one purchase a month, by account and day."""
    ledger = Ledger()
    tickers = list(prices)
    firsts = [place for place in range(1, len(days)) if days[place].month != days[place - 1].month]
    for number, holder in enumerate(holders):
        ledger.money(holder, "deposit", days[0], Decimal(FIRST_DEPOSIT))
        for ticker in tickers:
            _buy(ledger, holder, ticker, days[0], prices[ticker][0], Decimal(FIRST_DEPOSIT) / len(tickers))
        for month, place in enumerate(firsts):
            ticker = tickers[(number + month) % len(tickers)]
            ledger.money(holder, "deposit", days[place], Decimal(MONTHLY_DEPOSIT))
            _buy(ledger, holder, ticker, days[place], prices[ticker][place], ledger.cash[holder.key])
    return ledger.rows


def _buy(ledger: Ledger, holder: Holder, ticker: str, day: date, price: Decimal, budget: Decimal) -> None:
    units = budget // price
    if units >= 1:
        bought = Trade(ticker, f"ticker:{ticker}", units, price, cents(units * price), "USD")
        ledger.acquire(holder, "buy", day, bought)
