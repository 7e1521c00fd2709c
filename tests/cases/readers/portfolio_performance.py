"""Cases of Portfolio Performance: rates, daily chains, period results, scenarios, dividends, drawdowns."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest

from folio.decisions.orders.constraints import Constraint, rebalance
from folio.figures.arrays import DateArray, FloatArray
from folio.figures.ledger import Account, Booking, DatedNumbers, Market, daily_book, walk
from folio.figures.lots.events import LotEvent
from folio.figures.lots.matching import match_lots
from folio.figures.returns.cashflows import xirr
from folio.figures.returns.dividends import periodicity
from folio.figures.returns.gains import period_gains
from folio.figures.returns.periods import DailyBook, cash_flows, result_between
from folio.figures.returns.twr import daily_returns
from folio.figures.risk import measures, ratios
from tests.cases.case import Case, only

CENT = Decimal("0.01")
SECURITY = "SECURITY"

KINDS = {
    "DEPOSIT": ("deposit", 1),
    "WITHDRAWAL": ("withdrawal", 1),
    "REMOVAL": ("withdrawal", 1),
    "INTEREST": ("interest", 1),
    "INTEREST_CHARGE": ("interest", -1),
    "DIVIDENDS": ("dividend", 1),
    "DIVIDEND": ("dividend", 1),
    "FEES": ("fee", 1),
    "FEES_REFUND": ("fee", -1),
    "TAXES": ("tax", 1),
    "TAX_REFUND": ("tax", -1),
    "BUY": ("buy", 1),
    "SELL": ("sell", 1),
    "DELIVERY_INBOUND": ("buy", 1),
    "DELIVERY_OUTBOUND": ("sell", 1),
    "TRANSFER_IN": ("deposit", 1),
    "TRANSFER_OUT": ("withdrawal", 1),
}
"""Kind of booking and sign of its amount by type; a delivery is paid past the account."""
MOVED = {"TRANSFER_IN": "DELIVERY_INBOUND", "TRANSFER_OUT": "DELIVERY_OUTBOUND"}
"""What a transfer of shares is to the side that gives or takes them."""


def day(text: str) -> date:
    """Date of a text."""
    return date.fromisoformat(text)


def cents(number: Any) -> Decimal:
    """A number rounded to cents, half away from zero."""
    return Decimal(str(number)).quantize(CENT, ROUND_HALF_UP)


def money(text: str, default: str) -> tuple[Decimal, str]:
    """Amount and currency of a text such as `900`, `900 EUR` or `900*1.2043 USD`."""
    numbers, _, currency = text.partition(" ")
    return math.prod(
        (Decimal(factor) for factor in numbers.split("*")), start=Decimal(1)
    ), currency or default


def named(row: Any) -> Mapping[str, Any]:
    """A row of an account by the names of its fields."""
    return row if isinstance(row, Mapping) else dict(zip(("date", "type", "amount"), row, strict=True))


def kept(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows without the transfers of shares between the client's own portfolios, which change nothing."""
    ends = Counter((row["date"], row["type"], row["shares"]) for row in rows if row["type"] in MOVED)
    found = []
    for row in rows:
        if row["type"] in MOVED and "shares" in row:
            other = "TRANSFER_OUT" if row["type"] == "TRANSFER_IN" else "TRANSFER_IN"
            if ends[row["date"], other, row["shares"]]:
                continue
            row = {**row, "type": MOVED[row["type"]]}
        found.append(row)
    return found


class Ledger:
    """Bookings and market of a case's inputs."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self.currency = inputs.get("report_currency", "EUR")
        self.start, self.end = (day(text) for text in inputs["period"])
        self.accounts = inputs.get("account", inputs.get("account_transactions"))
        self.bookings = [self._booking(fields) for fields in map(named, self.accounts or ())]
        self.bookings += [self._booking(fields) for fields in kept(inputs.get("transactions", ()))]
        self.market = Market(*self._prices(inputs), self._rates(inputs.get("fx", {})))

    @property
    def instruments(self) -> list[str]:
        """Instruments that were traded, each once."""
        return sorted({each.instrument for each in self.bookings if each.instrument and each.units})

    def account(self, **more: Any) -> Account:
        """Cash is kept where the case tells of an account, else it is implied."""
        return Account(self.currency, "implied" if self.accounts is None else "kept", **more)

    def book(self, **more: Any) -> DailyBook:
        """Days of the account to the end of the period."""
        return daily_book(self.bookings, self.market, self.account(**more), self.end)

    def _booking(self, fields: Mapping[str, Any]) -> Booking:
        only(
            fields,
            *(
                "date",
                "type",
                "shares",
                "amount",
                "fees",
                "taxes",
                "gross_forex",
                "exchange_rate",
                "security",
            ),
        )
        kind, sign = KINDS[fields["type"]]
        amount, currency = money(fields["amount"], self.currency)
        (fee, paid_in), (tax, taxed_in) = (
            money(str(fields.get(part, "0")), currency) for part in ("fees", "taxes")
        )
        assert {paid_in, taxed_in} == {currency}, f"fees or taxes in another currency than {currency}"
        gross = amount - fee - tax if kind == "buy" else amount + fee + tax
        rate = None
        if "gross_forex" in fields:
            foreign, currency = money(fields["gross_forex"], currency)
            rate = gross / foreign
            gross, fee, tax = foreign, fee / rate, tax / rate
        is_traded = kind in ("buy", "sell", "dividend")
        return Booking(
            booked_on=day(fields["date"]),
            kind=kind,
            amount=sign * gross,
            instrument=fields.get("security", SECURITY) if is_traded else None,
            units=Decimal(fields.get("shares", "0")) if kind != "dividend" else Decimal(0),
            fee=fee,
            tax=tax,
            currency=currency,
            fx_rate=rate,
        )

    def _prices(self, inputs: Mapping[str, Any]) -> tuple[dict[str, DatedNumbers], dict[str, str]]:
        prices: dict[str, DatedNumbers] = {}
        currencies: dict[str, str] = {}
        for name, field in inputs.items():
            if name.partition("_")[0] != "prices":
                continue
            currency = name.partition("_")[2].upper() or self.currency
            by_security = (
                field if any(isinstance(each, dict) for each in field.values()) else {SECURITY: field}
            )
            for security, quotes in by_security.items():
                prices[security] = DatedNumbers({day(text): Decimal(price) for text, price in quotes.items()})
                currencies[security] = currency
        return prices, currencies

    def _rates(self, fx: Mapping[str, Any]) -> dict[tuple[str, str], DatedNumbers]:
        return {
            (pair[:3], pair[3:]): DatedNumbers({day(text): Decimal(rate) for text, rate in rates.items()})
            for pair, rates in fx.items()
            if pair != "lookup"
        }


KNOWN_INPUTS = (
    *("period", "account", "account_transactions", "transactions", "prices", "prices_usd", "prices_eur"),
    *("prices_chf", "prices_gbp", "fx", "report_currency"),
)


def after(book: DailyBook, start: date) -> tuple[DateArray, FloatArray]:
    """Days after the start, and their returns; a day on which nothing was invested has none."""
    returns = daily_returns(
        book.value.astype(float),
        book.deposits.astype(float),
        book.withdrawals.astype(float),
        end_deposits=book.end_deposits.astype(float),
    )
    in_period = book.dates > np.datetime64(start)
    return book.dates[in_period], returns.rate[in_period]


def check_rate(case: Case) -> None:
    """Money-weighted return to eight decimals."""
    only(case.inputs, "cash_flows")
    only(case.expected, "irr")
    rows = case.inputs["cash_flows"]
    dates = np.array([text for text, _ in rows], dtype="datetime64[D]")
    assert round(xirr(dates, np.array([float(amount) for _, amount in rows])), 8) == pytest.approx(
        float(case.expected["irr"]), abs=0.6e-8
    )


def check_chain(case: Case) -> None:
    """Daily returns and their chain, zero on the day on which the period opens."""
    only(case.inputs, *KNOWN_INPUTS)
    only(case.expected, "delta", "accumulated", "accumulated_last")
    ledger = Ledger(case.inputs)
    book = ledger.book()
    dates, rates = after(book, ledger.start)
    deltas = np.zeros((ledger.end - ledger.start).days + 1)
    deltas[(dates - np.datetime64(ledger.start)).astype(int)] = np.nan_to_num(rates)
    accumulated = np.cumprod(1.0 + deltas) - 1.0
    for figure, found in (
        ("delta", deltas),
        ("accumulated", accumulated),
        ("accumulated_last", accumulated[-1]),
    ):
        if figure in case.expected:
            wanted = np.array(case.expected[figure], dtype=np.float64)
            assert found == pytest.approx(wanted, abs=1e-5)


def check_period(case: Case) -> None:
    """Additive result of a period, and gains by lot with their currency part, to the cent."""
    only(case.inputs, *KNOWN_INPUTS)
    ledger = Ledger(case.inputs)
    result = result_between(ledger.book(), ledger.start, ledger.end)
    assert result.residual is not None
    assert cents(result.residual) == 0
    gains = [
        period_gains(ledger.bookings, ledger.market, name, ledger.currency, ledger.start, ledger.end)
        for name in ledger.instruments
    ]
    held = {name: sum(getattr(each, name) for each in gains) for name in ("realised", "unrealised")}
    found = {
        "initial": result.initial_value,
        "final": result.final_value,
        "earnings": result.income,
        "fees": result.fees,
        "taxes": result.taxes,
        "transfers": result.net_flow,
        "capital_gains": held["unrealised"],
        "capital_gains_fx_part": sum(each.unrealised_currency for each in gains),
        "realised_gains": held["realised"],
        "realised_gains_fx_part": sum(each.realised_currency for each in gains),
        "currency_gains": result.gains + result.currency_effect - held["realised"] - held["unrealised"],
    }
    only(case.expected, *found)
    for figure, value in case.expected.items():
        assert cents(found[figure]) == cents(value), figure


def with_fees(bookings: list[Booking]) -> list[Booking]:
    """Bookings whose amounts hold fees and taxes, so that costs do."""
    return [
        Booking(each.booked_on, each.kind, each.amount + each.fee + each.tax, each.instrument, each.units)
        for each in bookings
        if each.kind in ("buy", "sell")
    ]


def fifo_cost(bookings: list[Booking]) -> Decimal:
    """Cost with fees and taxes of the lots left when the first bought goes first."""
    events = [
        LotEvent(
            event_id=str(number),
            event_date=each.booked_on,
            kind="open" if each.kind == "buy" else "close",
            units=each.units,
            price_cost=each.amount if each.kind == "buy" else Decimal(0),
            tax_cost=each.amount + each.fee + each.tax if each.kind == "buy" else Decimal(0),
        )
        for number, each in enumerate(sorted(bookings, key=lambda each: each.booked_on))
        if each.kind in ("buy", "sell")
    ]
    return sum((lot.tax_cost_open for lot in match_lots(events).open_lots), start=Decimal(0))


def check_scenario(case: Case) -> None:
    """Security performance: taxes lie outside its rates, fees within."""
    only(case.inputs, *KNOWN_INPUTS)
    ledger = Ledger(case.inputs)
    (instrument,) = ledger.instruments
    book, untaxed = ledger.book(), ledger.book(taxes="outside")
    result = result_between(book, ledger.start, ledger.end)
    outside = result_between(untaxed, ledger.start, ledger.end)
    dates, rates = after(untaxed, ledger.start)
    invested = ~np.isnan(rates)
    dates, rates = dates[invested], rates[invested]
    path = np.concatenate([[1.0], np.cumprod(1.0 + rates)])
    path_dates = np.concatenate([[dates[0] - 1], dates])
    weekdays = np.is_busday(dates)
    logs = np.log1p(rates[weekdays])
    gains = period_gains(
        ledger.bookings, ledger.market, instrument, ledger.currency, ledger.start, ledger.end
    )
    last = walk(ledger.bookings, ledger.market, ledger.account(), ledger.end)[-1]
    costs = walk(with_fees(ledger.bookings), ledger.market, ledger.account(), ledger.end)[-1]
    held, cost = last.held[instrument], costs.held[instrument].cost_account
    assert last.value is not None
    delta = result.gains + result.currency_effect + result.income - result.fees - result.taxes
    paid_in = result.initial_value + sum(
        part for part, on in zip(book.deposits, book.dates.tolist(), strict=True) if on > ledger.start
    )
    years = (ledger.end - ledger.start).days / 365
    found: dict[str, Any] = {
        "taxes": result.taxes,
        "fees": result.fees,
        "shares": held.units,
        "market_value": last.value,
        "quote": ledger.market.price(instrument, ledger.end),
        "cost_fifo": fifo_cost(ledger.bookings),
        "cost_moving_average": cost,
        "cost_per_share_without_fees_taxes": held.cost_account / held.units if held.units else Decimal(0),
        "delta": delta,
        "delta_percent": delta / paid_in,
        "gains_on_holdings": last.value - cost,
        "gains_on_holdings_percent": last.value / cost - 1 if cost else Decimal(0),
        "unrealised_gains": gains.unrealised,
        "realised_gains": gains.realised,
        "irr": xirr(*cash_flows(untaxed, ledger.start, ledger.end)),
        "ttwror": outside.twr,
        "ttwror_annualised": (1.0 + outside.twr) ** (1 / years) - 1.0,
        "max_drawdown": -float(measures.drawdown_of(path).depth),
        "max_drawdown_days": ratios.longest_without_a_peak(path, path_dates),
        "volatility": float(measures.volatility(logs, logs.size)),
        "semi_volatility": float(measures.semideviation(logs, logs.size)),
    }
    only(case.expected, *found)
    for figure, value in case.expected.items():
        if isinstance(found[figure], float):
            assert found[figure] == pytest.approx(float(value), abs=1e-4), figure
        elif figure.endswith("percent"):
            assert float(found[figure]) == pytest.approx(float(value), abs=1e-4), figure
        else:
            assert Decimal(str(found[figure])) == Decimal(str(value)), figure


def check_dividends(case: Case) -> None:
    """How often is paid, and how many payments there were."""
    only(case.inputs, "payments")
    only(case.expected, "periodicity", "events")
    payments = [day(text) for text in case.inputs["payments"]]
    found = {"periodicity": periodicity(payments).upper(), "events": len(payments)}
    assert {name: found[name] for name in case.expected} == dict(case.expected)


def check_risk(case: Case) -> None:
    """Drawdown of a path, and deviations of log returns over all of it."""
    only(case.inputs, "dates", "accumulated_returns", "daily_returns")
    found: dict[str, float] = {}
    if "accumulated_returns" in case.inputs:
        path = 1.0 + np.array(case.inputs["accumulated_returns"], dtype=np.float64)
        dates = np.array(case.inputs["dates"], dtype="datetime64[D]")
        found["max_drawdown"] = -float(measures.drawdown_of(path).depth)
        found["max_drawdown_duration_days"] = ratios.longest_without_a_peak(path, dates)
    if "daily_returns" in case.inputs:
        logs = np.log1p(np.array(case.inputs["daily_returns"], dtype=np.float64))
        found["std"] = float(measures.volatility(logs, logs.size))
        found["semi"] = float(measures.semideviation(logs, logs.size))
    only(case.expected, *found)
    for figure, value in case.expected.items():
        assert found[figure] == pytest.approx(float(value), abs=1e-11), figure


def check_rebalancer(case: Case) -> None:
    """Changes of value by vehicle, whether they are exact and whether others would do."""
    only(case.inputs, "constraints")
    constraints = [
        Constraint(
            {name: Decimal(weight) for name, weight in fields["weights"].items()}, Decimal(fields["target"])
        )
        for fields in case.inputs["constraints"]
    ]
    found = rebalance(constraints)
    for name, value in case.expected.items():
        if name == "exact":
            assert found.is_exact is value
        elif name == "ambiguous":
            assert (
                found.ambiguous == frozenset(value)
                if isinstance(value, list)
                else bool(found.ambiguous) is value
            )
        else:
            assert cents(found.amounts[name]) == cents(value), name


READERS: dict[str, Callable[[Case], None]] = {
    "irr": check_rate,
    "ttwror": check_chain,
    "period_snapshot": check_period,
    "scenarios": check_scenario,
    "dividends": check_dividends,
    "risk": check_risk,
    "rebalancer": check_rebalancer,
}
