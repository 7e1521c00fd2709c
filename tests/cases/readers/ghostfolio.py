"""Cases of Ghostfolio: positions at average cost and the return on the average investment, in two currencies.

Its plain figures take the last rate for every day; those "with currency effect" the rate of each day. The
performance of a position is Folio's gains and currency effect in an account without cash.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from folio.figures.ledger import Account, Booking, DatedNumbers, Day, Held, Market, daily_book, walk
from folio.figures.returns.periods import DailyBook, PeriodResult, result_between
from tests.cases.case import Case, Differs, only

ZERO = Decimal(0)
LAST_DIGIT = Decimal("1e-19")
ONE_DAY = timedelta(days=1)
POSITION_KINDS = {"BUY": "buy", "SELL": "sell", "DIVIDEND": "dividend"}
OTHER_KINDS = {"FEE": "fee", "INTEREST": "interest", "LIABILITY": "liability"}
LABELS = {"dataSource", "tags", "errors", "hasErrors", "activitiesCount", "dateOfFirstActivity", "symbol"}
PRICED = (
    *("dividend", "dividendInBaseCurrency", "feeInBaseCurrency", "grossPerformance"),
    *("grossPerformancePercentage", "grossPerformancePercentageWithCurrencyEffect"),
    *("grossPerformanceWithCurrencyEffect", "investmentWithCurrencyEffect", "marketPrice"),
    *("marketPriceInBaseCurrency", "netPerformance", "netPerformancePercentage"),
    *("timeWeightedInvestment", "timeWeightedInvestmentWithCurrencyEffect", "valueInBaseCurrency"),
)
"""Figures of a position without a price, which are null."""
MONTHS_BY_RANGE = {"1y": 12, "5y": 60}


def number(value: Any) -> Decimal:
    """A number with the digits the case gives."""
    return Decimal(str(value))


def dated(quotes: Mapping[str, Any]) -> DatedNumbers:
    """Numbers by day."""
    return DatedNumbers({date.fromisoformat(text): number(value) for text, value in quotes.items()})


@dataclass(frozen=True)
class Frame:
    """Positions in the base currency, either at the rate of each day or at the last one throughout."""

    bookings: Mapping[str, list[Booking]]
    market: Market
    currency: str
    first: date
    last: date

    @cached_property
    def books(self) -> dict[str, DailyBook]:
        """Days by symbol, in an account without cash, from the first activity of all."""
        return {symbol: self.book(symbol) for symbol in self.bookings}

    def book(self, symbol: str) -> DailyBook:
        """Days of one symbol."""
        return daily_book(self.bookings[symbol], self.market, self._account, self.last)

    def day(self, symbol: str, on: date) -> Day | None:
        """The symbol's state at the close of a day; None before its first activity."""
        days = walk(self.bookings[symbol], self.market, self._account, on)
        return days[-1] if days else None

    def result(self, symbol: str, start: date, end: date) -> PeriodResult:
        """Result of one symbol from the close of a day to that of another."""
        return result_between(self.books[symbol], start, end)

    def invested(self, on: date) -> Decimal:
        """Average cost of all that is held at the close of a day."""
        days = (self.day(symbol, on) for symbol in self.bookings)
        return sum((each.invested for each in days if each), start=ZERO)

    def value(self, on: date) -> Decimal | None:
        """Value of all that is held at the close; None where a part has no price on or before the day."""
        values = [each.value for symbol in self.bookings if (each := self.day(symbol, on))]
        return None if None in values else sum(values, start=ZERO)

    @property
    def _account(self) -> Account:
        return Account(self.currency, "implied", shorts="carried")


class Portfolio:
    """What a case tells: bookings by symbol, prices, rates, and the day it is looked at."""

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        only(inputs, "base_currency", "as_of", "activities", "market_prices", "fx_rates")
        self.currency = inputs["base_currency"]
        self.activities = inputs["activities"]
        dates = [date.fromisoformat(each["date"]) for each in self.activities]
        splits = [
            date.fromisoformat(split["date"])
            for each in self.activities
            for split in each.get("splits_after", ())
        ]
        as_of = inputs["as_of"]
        self.last = date.fromisoformat(as_of) if as_of else max([*dates, *splits])
        self.first = min(dates, default=self.last)
        self.currencies = {each["symbol"]: each["currency"] for each in self.activities}
        self.prices = {symbol: dated(quotes) for symbol, quotes in inputs["market_prices"].items()}
        self.bookings: dict[str, list[Booking]] = {}
        self.others: list[tuple[str, Booking]] = []
        for fields in self.activities:
            self._take(fields)
        rates = {(pair[:3], pair[3:]): dated(quotes) for pair, quotes in inputs.get("fx_rates", {}).items()}
        known = Market(self.prices, self.currencies, rates)
        frozen = {
            (currency, self.currency): DatedNumbers({date.min: rate})
            for currency in set(self.currencies.values()) - {self.currency}
            if (rate := known.rate(currency, self.currency, self.last)) is not None
        }
        self.daily = Frame(self.bookings, known, self.currency, self.first, self.last)
        self.plain = Frame(self.bookings, replace(known, rates=frozen), self.currency, self.first, self.last)

    def _take(self, fields: Mapping[str, Any]) -> None:
        only(
            fields,
            *("date", "type", "symbol", "currency", "quantity", "unit_price", "fee"),
            *("fee_in_base_currency", "splits_after"),
        )
        on, kind, symbol = date.fromisoformat(fields["date"]), fields["type"], fields["symbol"]
        units = number(fields["quantity"])
        booking = Booking(
            booked_on=on,
            kind=POSITION_KINDS.get(kind, OTHER_KINDS.get(kind, kind)),
            amount=units * number(fields["unit_price"]),
            instrument=symbol,
            units=units if kind in ("BUY", "SELL") else ZERO,
            fee=number(fields["fee"]),
            currency=fields["currency"],
        )
        if kind not in POSITION_KINDS:
            assert kind in OTHER_KINDS, f"no reader of an activity {kind}"
            self.others.append((kind, booking))
            return
        own = self.bookings.setdefault(symbol, [])
        own.append(booking)
        for split in fields.get("splits_after", ()):
            only(split, "date", "numerator", "denominator")
            booked_on = date.fromisoformat(split["date"])
            ratio = number(split["numerator"]) / number(split["denominator"])
            if (booked_on, "split") not in {(each.booked_on, each.kind) for each in own}:
                own.append(Booking(booked_on, "split", instrument=symbol, ratio=ratio))

    def total(self, kind: str, what: Callable[[Booking], Decimal]) -> Decimal:
        """Sum over activities outside positions, in base currency at the rate of their day."""
        amounts = ZERO
        for each, booking in self.others:
            rate = self.daily.market.rate(booking.currency or "", self.currency, booking.booked_on)
            assert rate is not None
            amounts += what(booking) * rate if each == kind else ZERO
        return amounts

    # what the expected figures are called

    def position(self, symbol: str) -> dict[str, Any]:
        """Folio's figures of one symbol under the peer's names."""
        currency = self.currencies[symbol]
        own = [each for each in self.bookings[symbol] if each.kind != "split"]
        held = self.held(symbol)
        before = self.first - ONE_DAY
        price = self.prices[symbol].at(self.last) if symbol in self.prices else None
        if price is None:  # what needs a price is null
            rate = self.daily.market.rate(currency, self.currency, self.last)
            return dict.fromkeys(PRICED) | {
                "currency": currency,
                "quantity": held.units,
                "averagePrice": average(held),
                "fee": sum((each.fee for each in own), start=ZERO),
                "investment": None if rate is None else held.cost_local * rate,
            }
        plain = self.plain.result(symbol, before, self.last)
        daily = self.daily.result(symbol, before, self.last)
        local_account = Account(currency, "implied", shorts="carried")
        in_local = daily_book(own_currency(own), self.daily.market, local_account, self.last)
        local = result_between(in_local, before, self.last)
        rate = self.rate(symbol)
        plain_day, daily_day = self.plain.day(symbol, self.last), self.daily.day(symbol, self.last)
        assert plain_day is not None
        assert daily_day is not None
        return {
            "averagePrice": average(held),
            "currency": currency,
            "dividend": local.income,
            "dividendInBaseCurrency": daily.income,
            "fee": local.fees,
            "feeInBaseCurrency": daily.fees,
            "grossPerformance": gross(plain),
            "grossPerformancePercentage": plain.roai_gross,
            "grossPerformancePercentageWithCurrencyEffect": daily.roai_gross,
            "grossPerformanceWithCurrencyEffect": gross(daily),
            "investment": plain_day.invested,
            "investmentWithCurrencyEffect": daily_day.invested,
            "marketPrice": price,
            "marketPriceInBaseCurrency": price * rate,
            "netPerformance": net(plain),
            "netPerformancePercentage": plain.roai,
            "quantity": held.units,
            "timeWeightedInvestment": plain.mean_investment,
            "timeWeightedInvestmentWithCurrencyEffect": daily.mean_investment,
            "valueInBaseCurrency": daily_day.value,
            "income": plain.income,
        }

    def held(self, symbol: str) -> Held:
        """Units and average cost at the end."""
        day = self.daily.day(symbol, self.last)
        assert day is not None
        return day.held.get(symbol, Held())

    def lacks_price(self, symbol: str) -> bool:
        """Whether something is held at the end of which no price is known by then."""
        prices = self.prices.get(symbol)
        return bool(self.held(symbol).units) and (prices is None or prices.at(self.last) is None)

    def rate(self, symbol: str) -> Decimal:
        """Last rate of the symbol's currency."""
        rate = self.daily.market.rate(self.currencies[symbol], self.currency, self.last)
        assert rate is not None
        return rate

    def summed(self, frame: Frame, figure: Callable[[PeriodResult], Any], on: date) -> Decimal:
        """Sum of a figure of all symbols from the beginning to the close of a day."""
        results = (
            frame.result(symbol, self.first - ONE_DAY, on)
            for symbol in self.bookings
            if frame.day(symbol, on) is not None
        )
        return sum((figure(result) or ZERO for result in results), start=ZERO)

    def history(self, on: date) -> dict[str, Any]:
        """Figures of all positions together at the close of a day; None is what has no price by then."""
        names = {"InPercentage": self.plain, "InPercentageWithCurrencyEffect": self.daily}
        found: dict[str, Any] = {
            "date": on.isoformat(),
            "totalInvestment": self.plain.invested(on),
            "totalInvestmentValueWithCurrencyEffect": self.daily.invested(on),
            "investmentValueWithCurrencyEffect": self.daily.invested(on) - self.daily.invested(on - ONE_DAY),
            "value": self.plain.value(on),
            "valueWithCurrencyEffect": self.daily.value(on),
            "netWorth": self.daily.value(on),
            "totalCashInBaseCurrency": ZERO,
            "netPerformance": None,
            "netPerformanceWithCurrencyEffect": None,
            **{f"netPerformance{name}": None for name in names},
        }
        if found["value"] is None:
            return found
        found["netPerformance"] = self.summed(self.plain, net, on)
        found["netPerformanceWithCurrencyEffect"] = self.summed(self.daily, net, on)
        for name, frame in names.items():
            results = [
                frame.result(symbol, self.first - ONE_DAY, on)
                for symbol in self.bookings
                if frame.day(symbol, on) is not None
            ]
            mean = sum((each.mean_investment or ZERO for each in results), start=ZERO)
            if len(results) == 1 and not results[0].income:
                found[f"netPerformance{name}"] = results[0].roai or ZERO
            else:  # the peer adds up the means of its positions, and leaves income out
                found[f"netPerformance{name}"] = self.summed(frame, net, on) / mean if mean else ZERO
        return found

    def range_start(self, name: str) -> date:
        """Day whose close opens a range by the peer's name."""
        end = self.last
        match name:
            case "1d":
                return end - ONE_DAY
            case "wtd":
                return end - timedelta(days=end.weekday() + 1)
            case "mtd":
                return end.replace(day=1) - ONE_DAY
            case "ytd":
                return end.replace(month=1, day=1) - ONE_DAY
            case "1y" | "5y":
                years = MONTHS_BY_RANGE[name] // 12
                is_leap_day = (end.month, end.day) == (2, 29)
                return end.replace(year=end.year - years, day=28 if is_leap_day else end.day)
            case "max":
                return self.first - ONE_DAY
        assert name.isdecimal(), f"no range {name!r}"
        return date(int(name), 1, 1) - ONE_DAY

    def range_end(self, name: str) -> date:
        """Last day of a range: a year's end where it is named by one."""
        return min(self.last, date(int(name), 12, 31)) if name.isdecimal() else self.last

    def investments(self) -> Iterator[tuple[date, Decimal]]:
        """Average cost of all positions in their own currencies, after each day with an activity."""
        for on in sorted({each.booked_on for own in self.bookings.values() for each in own}):
            days = ((symbol, self.daily.day(symbol, on)) for symbol in self.bookings)
            yield (
                on,
                sum(
                    (day.held[symbol].cost_local for symbol, day in days if day and symbol in day.held),
                    start=ZERO,
                ),
            )

    def investments_by(self, months: int) -> list[dict[str, Any]]:
        """Change of the investment by calendar month or year, from the day before the first activity on."""
        if not self.activities:
            return []
        found, on = [], (self.first - ONE_DAY).replace(day=1)
        on = on.replace(month=1) if months == 12 else on
        while on <= self.last:
            ahead = on.month - 1 + months
            following = on.replace(year=on.year + ahead // 12, month=ahead % 12 + 1)
            change = self.daily.invested(min(following - ONE_DAY, self.last)) - self.daily.invested(
                on - ONE_DAY
            )
            found.append({"date": on.isoformat(), "investment": change})
            on = following
        return found


def own_currency(bookings: list[Booking]) -> list[Booking]:
    """Bookings as an account in their own currency has them."""
    return [replace(each, currency=None) for each in bookings]


def average(held: Held) -> Decimal:
    """Average cost of a unit, zero of nothing."""
    return held.cost_local / held.units if held.units else ZERO


def gross(result: PeriodResult) -> Any:
    """Gains with what rates did, before fees; None where a value is unknown."""
    return None if result.gains is None else result.gains + result.currency_effect


def net(result: PeriodResult) -> Any:
    """The same after fees."""
    performance = gross(result)
    return None if performance is None else performance - result.fees


class Checked:
    """Holds figures against expected ones; headings of differences are raised when all else agrees."""

    def __init__(self) -> None:
        self.differences: list[str] = []

    def number(self, name: str, found: Any, expected: Any) -> None:
        """Equal to the peer's twenty digits, of which doubles (rates, charted figures) give fifteen."""
        assert found is not None, name
        slack = abs(number(expected)) * Decimal("1e-14" if isinstance(expected, float) else "1e-15")
        assert abs(number(found) - number(expected)) <= max(slack, LAST_DIGIT), f"{name}: {found}"

    def fields(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Every expected field, numbers by value and texts by letter."""
        only(expected, *found)
        for name, value in expected.items():
            if isinstance(value, str) and not value.replace(".", "").replace("-", "").isdecimal():
                assert found[name] == value, name
            elif name == "date":
                assert found[name] == value
            elif found[name] is None:
                self.differences.append("A price from a later day")
            else:
                self.number(name, found[name], value)


def check_position(portfolio: Portfolio, expected: Mapping[str, Any], checked: Checked) -> None:
    """One position of the snapshot, its ranges too."""
    (symbol,) = portfolio.bookings if "symbol" not in expected else (expected["symbol"],)
    found = portfolio.position(symbol)
    activities = [each for each in portfolio.bookings[symbol] if each.kind != "split"]
    if "activitiesCount" in expected:
        assert len(activities) == expected["activitiesCount"]
    if "dateOfFirstActivity" in expected:
        assert min(each.booked_on for each in activities).isoformat() == expected["dateOfFirstActivity"]
    ranges = {name: value for name, value in expected.items() if name.endswith("Map")}
    plain = {name: value for name, value in expected.items() if name not in LABELS | ranges.keys()}
    percentages = {name: value for name, value in plain.items() if "Percentage" in name}
    if found.get("income") and percentages:
        for name, value in percentages.items():
            performance = found[name.replace("Percentage", "")]
            mean = found["timeWeightedInvestment" + ("WithCurrencyEffect" if "Effect" in name else "")]
            checked.number(name, performance / mean, value)
            assert found[name] != performance / mean
        plain = {name: value for name, value in plain.items() if name not in percentages}
        checked.differences.append("The return on the average investment counts income")
    checked.fields(found, plain)
    for name, by_range in ranges.items():
        for which, value in by_range.items():
            if portfolio.lacks_price(symbol):
                checked.differences.append("A price from a later day")
                continue
            result = portfolio.daily.result(
                symbol,
                max(portfolio.range_start(which), portfolio.first - ONE_DAY),
                portfolio.range_end(which),
            )
            if "Percentage" not in name:
                checked.number(f"{name} {which}", net(result), value)
            elif result.roai is None or abs(number(result.roai) - number(value)) > LAST_DIGIT:
                check_charted_mean(portfolio, symbol, result, value, checked)


def check_charted_mean(
    portfolio: Portfolio, symbol: str, result: PeriodResult, value: Any, checked: Checked
) -> None:
    """The peer divides by the mean of charted closes, the first and last included, or leaves income out."""
    performance, expected_mean = net(result), net(result) / number(value)
    book = portfolio.daily.books[symbol]
    in_range = (book.dates > np.datetime64(result.start_date)) & (
        book.dates <= np.datetime64(result.end_date)
    )
    closes = [each for each in book.invested[in_range] if each > 0]
    if result.income:
        checked.differences.append("The return on the average investment counts income")
    else:
        checked.differences.append("A mean of charted days")
    if len(closes) <= 365:  # more are thinned out before the mean is taken
        checked.number("charted mean", performance / (sum(closes) / len(closes)), value)
    assert min(closes) <= expected_mean <= max(closes) + Decimal("1e-12")


def check_snapshot(portfolio: Portfolio, expected: Mapping[str, Any], checked: Checked) -> None:
    """Positions and totals at the end."""
    rest = {
        name: value for name, value in expected.items() if name not in {"positions", "errors", "hasErrors"}
    }
    if "errors" in expected:
        unpriced = {symbol for symbol in portfolio.bookings if portfolio.lacks_price(symbol)}
        assert unpriced == {each["symbol"] for each in expected["errors"]}
        assert bool(unpriced) == expected.get("hasErrors", bool(unpriced))
    positions = expected.get("positions")
    if positions is not None:
        assert len(positions) == len(portfolio.bookings)
        for position in positions:
            check_position(portfolio, position, checked)
    fees = portfolio.summed(portfolio.daily, lambda result: result.fees, portfolio.last)
    found = {
        "currentValueInBaseCurrency": portfolio.daily.value(portfolio.last),
        "totalFeesWithCurrencyEffect": fees
        + portfolio.total("FEE", lambda each: each.fee)
        + portfolio.total("INTEREST", lambda each: each.fee),
        "totalInterestWithCurrencyEffect": portfolio.total("INTEREST", lambda each: each.amount),
        "totalInvestment": portfolio.plain.invested(portfolio.last),
        "totalInvestmentWithCurrencyEffect": portfolio.daily.invested(portfolio.last),
        "totalLiabilitiesWithCurrencyEffect": portfolio.total("LIABILITY", lambda each: each.amount),
    }
    checked.fields(found, rest)


def check(case: Case) -> None:
    """Every figure the case states, at its digits."""
    portfolio, checked = Portfolio(case), Checked()
    for row in case.expected:
        only(row, "figure", "match", "value")
        figure, value = row["figure"], row["value"]
        if figure == "snapshot":
            check_snapshot(portfolio, value, checked)
        elif figure == "position":
            check_position(portfolio, value, checked)
        elif figure == "history_last":
            checked.fields(portfolio.history(portfolio.last), value)
        elif figure.startswith("snapshot.historicalData["):
            place = int(figure.removeprefix("snapshot.historicalData[").rstrip("]"))
            on = date.fromisoformat(value["date"])
            assert on == portfolio.first + (place - 1) * ONE_DAY, figure
            checked.fields(portfolio.history(on), value)
        elif figure == "history_dates":
            assert row["match"] == "not.toContain"
            on = date.fromisoformat(value)
            assert not portfolio.first - ONE_DAY <= on <= portfolio.last
        elif figure == "investments":
            found = list(portfolio.investments())
            assert [on.isoformat() for on, _ in found] == [each["date"] for each in value]
            for (on, invested), each in zip(found, value, strict=True):
                checked.number(f"{figure} {on}", invested, each["investment"])
        else:
            months = {"investments_by_month": 1, "investments_by_year": 12}
            assert figure in months, f"no reader of {figure}"
            found = portfolio.investments_by(months[figure])
            assert [each["date"] for each in found] == [each["date"] for each in value]
            for own, each in zip(found, value, strict=True):
                checked.number(f"{figure} {each['date']}", own["investment"], each["investment"])
    if checked.differences:
        raise Differs(checked.differences[0])


READERS = {"roai_calculator": check}
