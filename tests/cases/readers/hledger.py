"""Cases of hledger's roi report: the journal is read, its flows and values give Folio's rates.

The report's last day counts whole, so money-weighted spans end on the day after; its years have 365.25 days.
"""

import math
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pytest

from folio.errors import CashFlowError
from folio.figures.ledger import DatedNumbers
from folio.figures.returns.cashflows import linked_xirr, xirr
from folio.figures.returns.day_counts import year_fractions
from tests.cases.case import Case, only

ONE_DAY = timedelta(days=1)
YEAR = "act/365.25"
ZERO = Decimal(0)
AMOUNT = re.compile(
    r"""(?P<sign>[-+]?)\s*(?P<left>[^\s\d."+-]+|"[^"]+")?\s*(?P<minus>[-+]?)(?P<number>[\d,]*\.?\d+)\s*
        (?P<right>[^\s\d@=."]+|"[^"]+")?""",
    re.VERBOSE,
)
STEPS = {
    **dict.fromkeys(("-D", "--daily", "daily"), "day"),
    **dict.fromkeys(("-W", "--weekly", "weekly"), "week"),
    **dict.fromkeys(("-M", "--monthly", "monthly"), "month"),
    **dict.fromkeys(("-Q", "--quarterly", "quarterly"), "quarter"),
    **dict.fromkeys(("-Y", "--yearly", "yearly"), "year"),
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}

Amounts = dict[str, Decimal]
"""Quantity by commodity."""


@dataclass
class Posting:
    """One line of a transaction; without an amount it balances the rest."""

    account: str
    amounts: Amounts | None
    cost: Amounts | None = None
    asserted: Amounts | None = None


@dataclass
class Entry:
    """A transaction of the journal."""

    day: date
    postings: list[Posting] = field(default_factory=list)


@dataclass
class Journal:
    """Entries by day, and prices (commodity, other commodity) by day."""

    entries: list[Entry]
    prices: dict[tuple[str, str], dict[date, Decimal]]


def parsed_date(text: str) -> date:
    """A date, or the first day of a month or year; slashes and dots part as dashes do."""
    parts = [int(part) for part in re.split(r"[-/.]", text)]
    year, month, day = [*parts, 1, 1][:3]
    return date(year, month, day)


def day_after(text: str) -> date:
    """The day after a date, month or year."""
    first, size = parsed_date(text), len(re.split(r"[-/.]", text))
    return following(first, {1: "year", 2: "month", 3: "day"}[size])


def following(first: date, step: str) -> date:
    """First day of the period after the one that begins on a day."""
    if step in MONTHS:
        ahead = first.month - 1 + MONTHS[step]
        return first.replace(year=first.year + ahead // 12, month=ahead % 12 + 1)
    return first + timedelta(days={"day": 1, "week": 7}[step])


def beginning(on: date, step: str) -> date:
    """First day of the calendar period in which a day lies; weeks begin on Monday."""
    if step in MONTHS:
        return on.replace(day=1, month=(on.month - 1) // MONTHS[step] * MONTHS[step] + 1)
    return on - timedelta(days=on.weekday()) if step == "week" else on


def amount(text: str) -> tuple[Amounts, str]:
    """Amount at the beginning of a text, and the rest of it."""
    match = AMOUNT.match(text.strip())
    assert match, f"no amount in {text!r}"
    quantity = Decimal(match["number"].replace(",", ""))
    if (match["sign"] + match["minus"]).count("-") % 2:
        quantity = -quantity
    commodity = (match["left"] or match["right"] or "").strip('"')
    return {commodity: quantity}, text.strip()[match.end() :].strip()


def journal_of(text: str) -> Journal:
    """Transactions and prices of a journal; comments and directives without figures are passed over."""
    entries: list[Entry] = []
    prices: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
    for line in text.splitlines():
        bare = re.split(r"\s;|^;|^#", line)[0].rstrip()
        if not bare.strip():
            continue
        if bare[0].isdigit():
            entries.append(Entry(parsed_date(bare.split()[0].split("=")[0])))
        elif bare.startswith("P "):
            _, day, commodity, quote = bare.split(None, 3)
            ((other, price),) = amount(quote)[0].items()
            prices[commodity.strip('"'), other][parsed_date(day)] = price
        elif bare[0].isspace():
            entries[-1].postings.append(posting(bare.strip()))
        else:
            assert bare.split()[0] in ("commodity", "account", "D", "decimal-mark"), f"no reader of {bare!r}"
    return Journal(sorted(entries, key=lambda entry: entry.day), prices)


def posting(text: str) -> Posting:
    """Account, and what follows two spaces: amount, cost, asserted balance."""
    account, _, rest = (part.strip() for part in re.sub(r"\s{2,}|\t", "\0", text, count=1).partition("\0"))
    found = Posting(account, None)
    if rest and not rest.startswith("="):
        found.amounts, rest = amount(rest)
    if rest.startswith("@"):
        (quantity,) = (found.amounts or {}).values()
        is_total = rest.startswith("@@")
        cost, rest = amount(rest.lstrip("@"))
        found.cost = {
            name: (abs(each) if is_total else each * abs(quantity)).copy_sign(quantity)
            for name, each in cost.items()
        }
    if rest.startswith("="):
        found.asserted, rest = amount(rest.lstrip("=*"))
    assert not rest, f"no reader of {rest!r} in {text!r}"
    return found


def infer_prices(journal: Journal) -> None:
    """Prices from what postings cost, beside those of the directives."""
    for entry in journal.entries:
        for each in entry.postings:
            if each.amounts and each.cost:
                ((commodity, quantity),) = each.amounts.items()
                ((other, cost),) = each.cost.items()
                if quantity:
                    journal.prices[commodity, other].setdefault(entry.day, cost / quantity)


def added(*parts: Amounts) -> Amounts:
    """Sum by commodity."""
    total: Amounts = defaultdict(Decimal)
    for part in parts:
        for commodity, quantity in part.items():
            total[commodity] += quantity
    return dict(total)


def negative(amounts: Amounts) -> Amounts:
    """The same with the other sign."""
    return {commodity: -quantity for commodity, quantity in amounts.items()}


def completed(journal: Journal) -> None:
    """Fill what postings leave out, from asserted balances first and then so that entries balance."""
    balances: dict[str, Amounts] = defaultdict(dict)
    for entry in journal.entries:
        for each in entry.postings:
            if each.amounts is None and each.asserted is not None:
                held = {name: balances[each.account].get(name, ZERO) for name in each.asserted}
                each.amounts = added(each.asserted, negative(held))
        known = [each.cost or each.amounts for each in entry.postings if each.amounts is not None]
        for each in entry.postings:
            if each.amounts is None:
                each.amounts = negative(added(*known))
            balances[each.account] = added(balances[each.account], each.amounts)


class Report:
    """An roi report: investment and profit accounts, span and steps, and the currency of values."""

    def __init__(self, case: Case) -> None:
        only(case.inputs, "journal_text", "command", "invest_account", "pnl_account")
        self.journal = journal_of(case.inputs["journal_text"])
        completed(self.journal)
        self.investment, self.profit = case.inputs["invest_account"], case.inputs["pnl_account"]
        self.begin = self.end = None
        self.step: str | None = None
        self.valued: str | None = None
        self.is_at_cost = False
        words = iter(
            part
            for word in shlex.split(case.inputs["command"])
            for part in (word.split("=", 1) if re.match(r"--(begin|end|period|inv|pnl)", word) else [word])
        )
        for word in words:
            if word in ("-b", "--begin"):
                self.begin = parsed_date(next(words))
            elif word in ("-e", "--end"):
                self.end = parsed_date(next(words))
            elif word in STEPS:
                self.step = STEPS[word]
            elif word in ("--inv", "--investment", "--pnl", "--profit-loss"):
                next(words)
            elif word in ("-p", "--period"):
                self.take_period(next(words))
            elif word in ("-X", "--exchange"):
                self.valued = f"end,{next(words)}"
            elif word == "-V" or word.startswith("--value"):
                self.valued = word.partition("=")[2] or "end"
            elif word in ("-B", "--cost"):
                self.is_at_cost = True
            elif word == "--infer-market-prices":
                infer_prices(self.journal)
            else:
                assert word in ("hledger", "-f-", "roi", "-N", "-f", "-"), f"no reader of {word}"
        days = [entry.day for entry in self.journal.entries]
        self.begin = self.begin or min(days)
        self.end = self.end or max(days) + ONE_DAY
        self.main = next(iter(self.journal.entries[0].postings[0].amounts or {}), "")
        if self.valued and "," in self.valued:
            self.main = self.valued.partition(",")[2]
        elif self.valued and self.journal.prices:
            self.main = next(iter(self.journal.prices))[1]
        elif self.is_at_cost:
            costs = [each.cost for entry in self.journal.entries for each in entry.postings if each.cost]
            self.main = next(iter(costs[0])) if costs else self.main

    def value(self, amounts: Amounts, day: date) -> Decimal:
        """Amounts in the main commodity, at the last price on or before the day."""
        total = ZERO
        for commodity, quantity in amounts.items():
            if commodity == self.main or not quantity:
                total += quantity
                continue
            price = DatedNumbers(self.journal.prices.get((commodity, self.main), {})).at(day)
            assert price is not None, f"no price of {commodity} on {day}"
            total += quantity * price
        return total

    def matches(self, query: str, account: str) -> bool:
        """Whether an account's name holds what a query says, in any case of letters."""
        return bool(query) and re.search(query.removeprefix("acct:"), account, re.IGNORECASE) is not None

    def amounts(self, postings: list[Posting]) -> Amounts:
        """Sum of postings, at cost where the report is."""
        return added(*((each.cost if self.is_at_cost else None) or each.amounts or {} for each in postings))

    def moved(self, entry: Entry, query: str) -> Amounts:
        """What an entry did to the accounts of a query."""
        return self.amounts([each for each in entry.postings if self.matches(query, each.account)])

    def flow(self, entry: Entry) -> Amounts:
        """Money into the investment: what left accounts that are neither its own nor its profit's."""
        if not self.moved(entry, self.investment):
            return {}
        others = [
            each
            for each in entry.postings
            if not self.matches(self.investment, each.account) and not self.matches(self.profit, each.account)
        ]
        return negative(self.amounts(others))

    def held(self, before: date) -> Amounts:
        """Investment at the close of the day before."""
        return added(
            *(self.moved(entry, self.investment) for entry in self.journal.entries if entry.day < before)
        )

    def spans(self) -> Iterator[tuple[str, date, date]]:
        """Name, first day and the day after the last of each period, and of all where there are several."""
        assert self.begin is not None
        assert self.end is not None
        if self.step is None:
            yield "1", self.begin, self.end
            return
        first, number = beginning(self.begin, self.step), 1
        whole = first
        while first < self.end:
            then = following(first, self.step)
            yield str(number), first, then
            first, number = then, number + 1
        if number > 2:
            yield "Total", whole, first

    def take_period(self, text: str) -> None:
        """Step and span of a period expression such as `monthly from 2017-01 to 2018`."""
        words = iter(text.replace("..", " to ").split())
        for word in words:
            if word in STEPS:
                self.step = STEPS[word]
            elif word in ("from", "since"):
                self.begin = parsed_date(next(words))
            elif word in ("to", "until"):
                self.end = parsed_date(next(words))
            else:
                named = next(words) if word == "in" else word
                assert named[0].isdigit(), f"no reader of {text!r}"
                self.begin, self.end = parsed_date(named), day_after(named)

    def row(self, name: str, begin: date, end: date) -> dict[str, Any]:
        """Folio's figures of a period."""
        entries = [entry for entry in self.journal.entries if begin <= entry.day < end]
        opening = self.value(self.held(begin), begin - ONE_DAY)
        closing = self.value(self.held(end), end - ONE_DAY)
        flows: dict[date, Decimal] = defaultdict(Decimal)
        for entry in entries:
            flows[entry.day] += self.value(self.flow(entry), entry.day)
        flows = {day: flow for day, flow in flows.items() if flow}
        net_flow = sum(flows.values(), start=ZERO)
        rate = self.rate(begin, end, opening, closing, flows)
        twr = self.twr(begin, end, opening, flows)
        assert not math.isnan(twr)
        years = float(year_fractions(np.datetime64(begin), np.array([end], "datetime64[D]"), YEAR)[0])
        return {
            "period": name,
            "begin": begin.isoformat(),
            "end": (end - ONE_DAY).isoformat(),
            "value_begin": opening,
            "cashflow": net_flow,
            "value_end": closing,
            "pnl": closing - opening - net_flow,
            "irr": rate,
            "twr_period": twr,
            "twr_year": (1.0 + twr) ** (1.0 / years) - 1.0,
        }

    def rate(
        self, begin: date, end: date, opening: Decimal, closing: Decimal, flows: dict[date, Decimal]
    ) -> float:
        """Yearly rate of the flows, the opening value paid in on the first day; zero where none is."""
        dated = [(begin, -opening), *((day, -flow) for day, flow in flows.items()), (end, closing)]
        dates = np.array([day for day, _ in dated], dtype="datetime64[D]")
        try:
            return xirr(dates, np.array([float(part) for _, part in dated]), YEAR)
        except CashFlowError:
            return 0.0

    def twr(self, begin: date, end: date, opening: Decimal, flows: dict[date, Decimal]) -> float:
        """Return linked between valuations: the closes of days with a profit, and the last one."""
        valued = {
            entry.day
            for entry in self.journal.entries
            if begin <= entry.day < end and any(self.moved(entry, self.profit).values())
        }
        if self.valued:  # prices tell what a day's flow met
            valued |= {day for quotes in self.journal.prices.values() for day in quotes if begin <= day < end}
        events = [(day, 0, math.nan, float(flow)) for day, flow in flows.items()]
        events += [
            (day, 1, float(self.value(self.held(day + ONE_DAY), day)), 0.0)
            for day in valued | {end - ONE_DAY}
        ]
        if self.valued:
            events += [(day, -1, float(self.value(self.held(day), day)), 0.0) for day in flows]
        days, _, values, moved = zip(*sorted(events), strict=True)
        return linked_xirr(
            np.datetime64(begin),
            float(opening),
            np.array(days, dtype="datetime64[D]"),
            np.array(values),
            np.array(moved),
        )


def percent(text: str) -> Decimal:
    """Number of a percentage."""
    return Decimal(text.rstrip("%").replace(",", ""))


def check(case: Case) -> None:
    """Each row of the report, amounts as printed and percentages to two decimals."""
    only(case.expected, "rows")
    report = Report(case)
    found = [report.row(*span) for span in report.spans()]
    assert [row["period"] for row in found] == [row["period"] for row in case.expected["rows"]]
    for own, row in zip(found, case.expected["rows"], strict=True):
        only(row, *own)
        for name, value in row.items():
            if name in ("period", "begin", "end"):
                assert own[name] == value, name
            elif value.endswith("%"):
                hundredths = Decimal(str(own[name] * 100)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
                assert hundredths == pytest.approx(percent(value), abs=Decimal("0.005")), (
                    row["period"],
                    name,
                )
            else:
                (number,) = amount(value)[0].values()
                assert own[name] == number, (row["period"], name)


READERS = {"roi": check}
