"""Figures of the demo's last night, recomputed from raw rows by a slow and plain path that shares no code.

Nothing here imports Folio: raw rows go in, dictionaries and loops follow, and what readers see must agree to
the cent or to 1e-9. Which figures are checked is drawn by a seed that is printed (FOLIO_SEED repeats a draw).
"""

import os
import random
from bisect import bisect_right
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal, getcontext
from itertools import pairwise

import psycopg
import pytest

getcontext().prec = 50

CENT = Decimal("0.01")
DAY = timedelta(days=1)
CARRY = 5
OPENS = {"buy", "reinvest", "switch_in", "bonus", "transfer_in"}
CLOSES = {"sell", "switch_out", "transfer_out"}


def newest(connection, table, key, columns, known_at):
    """Version of each key known at an instant, as dictionaries."""
    names = [*key, *columns]
    rows = connection.execute(
        f"select distinct on ({', '.join(key)}) {', '.join(names)} from raw.{table} "
        f"where observed_at <= %s order by {', '.join(key)}, observed_at desc, load_id desc",
        [known_at],
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def weekdays_between(earlier, later):
    """Weekdays after `earlier` up to and including `later`."""
    return sum(1 for n in range(1, (later - earlier).days + 1) if (earlier + n * DAY).weekday() < 5)


class Series:
    """Dated values, looked up as the last on or before a day, at most five weekdays old."""

    def __init__(self, values):
        self.days = sorted(values)
        self.values = values

    def at(self, day):
        place = bisect_right(self.days, day)
        if place == 0 or weekdays_between(self.days[place - 1], day) > CARRY:
            return None
        return self.values[self.days[place - 1]]


class Naive:
    """All that is needed of the raw rows of one database, and the figures by loops."""

    def __init__(self, dsn):
        with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
            self.night, self.today, known_at = connection.execute(
                "select night, valuation_date, known_at from ops.night"
            ).fetchone()
            self._read(connection, known_at)

    def _read(self, connection, known_at):
        self.portfolios = {
            row["portfolio_key"]: row
            for row in newest(connection, "book_portfolios", ["portfolio_key"], ["currency"], known_at)
        }
        self.accounts = {
            row["account_key"]: row
            for row in newest(
                connection,
                "book_accounts",
                ["account_key"],
                ["portfolio_key", "currency", "cash_model", "flow_timing"],
                known_at,
            )
        }
        self.instruments = {
            row["instrument_key"]: row
            for row in newest(connection, "book_instruments", ["instrument_key"], ["currency"], known_at)
        }
        self.targets = newest(
            connection,
            "book_targets",
            ["portfolio_key", "instrument_key", "valid_from"],
            ["weight"],
            known_at,
        )
        alias = {
            (row["scheme"], row["alias"]): row["instrument_key"]
            for row in newest(
                connection,
                "book_instrument_aliases",
                ["scheme", "alias", "valid_from"],
                ["instrument_key"],
                known_at,
            )
        }
        prices = defaultdict(dict)
        for row in newest(connection, "polygon_daily_bars", ["session_date", "ticker"], ["close"], known_at):
            if ("ticker", row["ticker"]) in alias:
                prices[alias["ticker", row["ticker"]]][row["session_date"]] = row["close"]
        for row in newest(connection, "amfi_navs", ["nav_date", "scheme_code"], ["nav"], known_at):
            if ("amfi", str(row["scheme_code"])) in alias:
                prices[alias["amfi", str(row["scheme_code"])]][row["nav_date"]] = row["nav"]
        self.prices = {key: Series(values) for key, values in prices.items()}
        rates = defaultdict(dict)
        for row in newest(
            connection, "ecb_fx_rates", ["rate_date", "currency_code"], ["units_per_eur"], known_at
        ):
            rates[row["currency_code"]][row["rate_date"]] = row["units_per_eur"]
        self.rates = {code: Series(values) for code, values in rates.items()}
        self.splits = [
            (row["execution_date"], alias["ticker", row["ticker"]], row["split_to"] / row["split_from"])
            for row in newest(
                connection,
                "polygon_splits",
                ["ticker", "execution_date"],
                ["split_from", "split_to"],
                known_at,
            )
            if ("ticker", row["ticker"]) in alias and row["execution_date"] <= self.today
        ]
        booked = newest(
            connection,
            "book_transactions",
            ["transaction_key"],
            [
                *("account_key", "kind", "trade_date", "instrument_key", "units", "amount", "currency"),
                *("fee", "tax", "fx_rate", "status", "pair_key"),
            ],
            known_at,
        )
        self.booked = [
            row for row in booked if row["status"] == "settled" and row["trade_date"] <= self.today
        ]
        self._walk()

    def rate(self, one, other, day):
        """Units of `other` per unit of `one` on a day, through the euro."""
        if one == other:
            return Decimal(1)
        per_euro = [Decimal(1) if code == "EUR" else self.rates[code].at(day) for code in (one, other)]
        return None if None in per_euro else per_euro[1] / per_euro[0]

    def _walk(self):
        """Units and cash by account and day of change, refusing what sells more than is held."""
        events = [(row["trade_date"], 1 if row["kind"] in OPENS else 2, row) for row in self.booked]
        for day, instrument, ratio in self.splits:
            events.append((day, 0, {"kind": "split", "instrument_key": instrument, "ratio": ratio}))
        units = defaultdict(Decimal)
        cash = defaultdict(Decimal)
        self.units, self.cash = defaultdict(dict), defaultdict(dict)
        self.flows = defaultdict(list)
        for day, _, row in sorted(events, key=lambda event: event[:2]):
            kind, instrument = row["kind"], row["instrument_key"]
            if kind == "split":
                for key in [key for key in units if key[1] == instrument]:
                    units[key] *= row["ratio"]
                    self.units[key][day] = units[key]
                continue
            key = (row["account_key"], instrument)
            if kind in CLOSES and units[key] < row["units"]:
                continue
            if kind in OPENS:
                units[key] += row["units"]
            elif kind in CLOSES:
                units[key] -= row["units"]
            if instrument:
                self.units[key][day] = units[key]
            self._pay(row, day, cash)

    def _pay(self, row, day, cash):
        account = self.accounts[row["account_key"]]
        rate = row["fx_rate"] or self.rate(row["currency"], account["currency"], day)
        amount, costs = row["amount"] or Decimal(0), row["fee"] + row["tax"]
        kind = row["kind"]
        if kind == "transfer_in" or kind == "transfer_out":
            self._carry(row, day, account)
            return
        net = {
            **dict.fromkeys(("deposit",), amount),
            **dict.fromkeys(("sell", "switch_out", "dividend", "interest"), amount - costs),
            **dict.fromkeys(("buy", "switch_in"), -(amount + costs)),
            **dict.fromkeys(("withdrawal", "fee", "tax", "stamp_duty", "exit_load"), -amount),
            **dict.fromkeys(("reinvest", "bonus"), Decimal(0)),
        }[kind] * rate
        if account["cash_model"] == "kept":
            cash[row["account_key"]] += net
            self.cash[row["account_key"]][day] = cash[row["account_key"]]
            external = net if kind in ("deposit", "withdrawal") else Decimal(0)
        else:
            external = -net
        self._flow(account, day, external, account["flow_timing"])

    def _carry(self, row, day, account):
        other = [
            leg
            for leg in self.booked
            if leg["pair_key"] == row["pair_key"] and leg["account_key"] != row["account_key"]
        ]
        homes = {self.accounts[leg["account_key"]]["portfolio_key"] for leg in other}
        if homes == {account["portfolio_key"]}:
            return
        instrument = row["instrument_key"]
        value = (
            row["units"]
            * self.prices[instrument].at(day)
            * self.rate(self.instruments[instrument]["currency"], account["currency"], day)
        )
        self._flow(account, day, value if row["kind"] == "transfer_in" else -value, "end")

    def _flow(self, account, day, amount, timing):
        if amount:
            portfolio = account["portfolio_key"]
            in_portfolio = amount * self.rate(
                account["currency"], self.portfolios[portfolio]["currency"], day
            )
            self.flows[portfolio].append((day, in_portfolio, timing))

    def holdings(self, portfolio, day):
        """Value of each holding of a portfolio on a day, in its currency; None where one has no price."""
        currency = self.portfolios[portfolio]["currency"]
        held = defaultdict(Decimal)
        for (account, instrument), changes in self.units.items():
            if self.accounts[account]["portfolio_key"] == portfolio:
                units = last(changes, day)
                if units:
                    price = self.prices[instrument].at(day)
                    rate = self.rate(self.instruments[instrument]["currency"], currency, day)
                    if price is None or rate is None:
                        return None
                    held[instrument] += units * price * rate
        for account, changes in self.cash.items():
            if self.accounts[account]["portfolio_key"] == portfolio:
                balance = last(changes, day)
                if balance:
                    rate = self.rate(self.accounts[account]["currency"], currency, day)
                    if rate is None:
                        return None
                    held["cash:" + self.accounts[account]["currency"]] += balance * rate
        return held

    def value(self, portfolio, day):
        """Value of a portfolio, or None."""
        held = self.holdings(portfolio, day)
        return None if held is None else sum(held.values(), Decimal(0))

    def twr(self, portfolio):
        """Chained daily return since inception, days of unknown value spanned."""
        flows = sorted(self.flows[portfolio])
        growth, before, pending = 1.0, 0.0, []
        day = flows[0][0]
        begun = False
        while day <= self.today:
            pending += [flow for flow in flows if flow[0] == day]
            value = self.value(portfolio, day)
            if value is not None:
                early = float(
                    sum(amount for _, amount, timing in pending if amount > 0 and timing == "start")
                )
                late = float(sum(amount for _, amount, timing in pending if amount > 0 and timing == "end"))
                out = float(-sum(amount for _, amount, _ in pending if amount < 0))
                base = before + early
                if base > 0:
                    growth = (growth if begun else 1.0) * (float(value) + out - late) / base
                    begun = True
                else:
                    growth, begun = 1.0, False
                before, pending = float(value), []
            day += DAY
        return growth - 1.0

    def xirr(self, portfolio):
        """Yearly rate since inception, the root nearest to zero, by bisection."""
        flows = [(day, -float(amount)) for day, amount, _ in self.flows[portfolio]]
        first = min(day for day, _ in flows)
        flows.append((self.today, float(self.value(portfolio, self.today))))

        def present(log_rate):
            return sum(
                amount * 2.718281828459045 ** (-log_rate * (day - first).days / 365) for day, amount in flows
            )

        grid = [step / 100 for step in range(-400, 401)]
        roots = []
        for low, high in pairwise(grid):
            if (present(low) > 0) != (present(high) > 0):
                for _ in range(200):
                    middle = (low + high) / 2
                    if (present(low) > 0) != (present(middle) > 0):
                        high = middle
                    else:
                        low = middle
                roots.append(low)
        return 2.718281828459045 ** min(roots, key=abs) - 1

    def drift(self, portfolio):
        """Half the sum of absolute differences between weights and targets."""
        held = self.holdings(portfolio, self.today)
        total = sum(held.values())
        mine = [row for row in self.targets if row["portfolio_key"] == portfolio]
        latest = max(row["valid_from"] for row in mine if row["valid_from"] <= self.today)
        wanted = {row["instrument_key"]: row["weight"] for row in mine if row["valid_from"] == latest}
        return (
            sum(
                abs(held.get(key, Decimal(0)) / total - wanted.get(key, Decimal(0)))
                for key in {*held, *wanted}
            )
            / 2
        )

    def value_at_risk(self, portfolio):
        """Loss of one day that 95 % of the last 500 weekdays kept, with today's weights."""
        held = self.holdings(portfolio, self.today)
        total = sum(held.values())
        currency = self.portfolios[portfolio]["currency"]
        weekdays = [self.today - n * DAY for n in range(1100) if (self.today - n * DAY).weekday() < 5]
        returns = []
        for day in weekdays:
            previous = day - (3 if day.weekday() == 0 else 1) * DAY
            parts = [
                float(worth / total) * self.change(instrument, currency, previous, day)
                for instrument, worth in held.items()
            ]
            returns.append(sum(parts))
        known = [number for number in reversed(returns) if number == number][-500:]
        rank = -(-len(known) * 5 // 100)
        return -sorted(known)[rank - 1]

    def change(self, instrument, currency, previous, day):
        """Return of an instrument between two days in a currency, split undone; NaN where unknown."""
        if instrument.startswith("cash:"):
            rates = [self.rate(instrument[5:], currency, when) for when in (previous, day)]
            return float("nan") if None in rates else float(rates[1] / rates[0] - 1)
        ratio = Decimal(1)
        for when, split, factor in self.splits:
            if split == instrument and previous < when <= day:
                ratio *= factor
        local = self.instruments[instrument]["currency"]
        worth = [
            (self.prices[instrument].at(when), self.rate(local, currency, when)) for when in (previous, day)
        ]
        if any(None in pair for pair in worth):
            return float("nan")
        (p0, r0), (p1, r1) = worth
        return float(p1 * r1 * ratio / (p0 * r0) - 1)


def last(changes, day):
    """Value after the last change on or before a day."""
    before = [when for when in changes if when <= day]
    return changes[max(before)] if before else Decimal(0)


@pytest.fixture(scope="module")
def naive(demo_nights):
    return Naive(demo_nights)


@pytest.fixture(scope="module")
def served(demo_nights):
    """Figures as readers see them, by kind and portfolio code."""
    queries = {
        "value": "select portfolio_code, value_portfolio from marts.fct_portfolio_values_daily "
        "join marts.dim_portfolios using (portfolio_id) "
        "where valuation_date = (select max(valuation_date) from marts.publications)",
        "TWR": "select portfolio_code, twr from marts.fct_period_results "
        "join marts.dim_portfolios using (portfolio_id) where period = 'ITD'",
        "XIRR": "select portfolio_code, xirr from marts.fct_period_results "
        "join marts.dim_portfolios using (portfolio_id) where period = 'ITD' and end_date - start_date > 366",
        "drift": "select portfolio_code, sum(abs(drift)) / 2 from marts.fct_allocations "
        "join marts.dim_portfolios using (portfolio_id) where dimension = 'instrument' "
        "and valuation_date = (select max(valuation_date) from marts.publications) "
        "group by 1 having sum(target_weight) > 0",
        "VaR": "select portfolio_code, value from marts.fct_risk_measures "
        "join marts.dim_portfolios using (portfolio_id) where measure = 'var' and confidence = 0.95 "
        "and horizon_days = 1 and basis = 'current_holdings'",
    }
    with psycopg.connect(demo_nights) as connection:
        connection.execute("set role folio_bi")
        return {
            kind: {code: figure for code, figure in connection.execute(query) if figure is not None}
            for kind, query in queries.items()
        }


def test_ten_figures_drawn_by_a_seed_agree_with_the_naive_path(naive, served, tell):
    seed = int(os.environ.get("FOLIO_SEED", date.today().toordinal()))
    draw = random.Random(seed)
    kinds = {
        "value": naive.value,
        "TWR": naive.twr,
        "XIRR": naive.xirr,
        "drift": naive.drift,
        "VaR": naive.value_at_risk,
    }
    lines = [f"seed {seed} (set FOLIO_SEED to repeat)"]
    for kind, figure in kinds.items():
        for portfolio in draw.sample(sorted(served[kind]), 2):
            said = served[kind][portfolio]
            found = figure(portfolio, naive.today) if kind == "value" else figure(portfolio)
            lines.append(f"{kind:6} {portfolio:10} served {said} recomputed {found}")
            close = CENT if kind == "value" else Decimal("1e-9")
            assert abs(Decimal(said) - Decimal(found)) <= close, "\n".join(lines)
    tell("\n".join(lines))
