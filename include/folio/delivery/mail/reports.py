"""The monthly report of a portfolio: which month is due, what it says, and how it reads on a phone."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from folio.delivery import plots
from folio.delivery.mail import templating, wording
from folio.delivery.mail.outbox import Mail, report_mail_id
from folio.delivery.mail.published import DayOfValue, Holding, Portfolio, Publication, Recipient
from folio.delivery.mail.wording import Figure, Missing

MOST_HOLDINGS = 8
MOST_DAYS_DRAWN = 366
NO_VALUE = Missing("a holding has no usable price on that day")


@dataclass(frozen=True)
class Published:
    """All published rows that a report needs; `days` reach back at least to the end of the year before."""

    publication: Publication
    portfolio: Portfolio
    first_day: date | None
    days: Sequence[DayOfValue]
    holdings: Sequence[Holding]
    allocation: Sequence[tuple[str, Decimal]]


@dataclass(frozen=True)
class Split:
    """What changed a value between two closes: initial + the parts = final, exactly."""

    start: date
    initial: Decimal
    parts: tuple[tuple[str, Decimal], ...]
    final: Decimal


@dataclass(frozen=True)
class ReportedHolding:
    """One line of the table of holdings."""

    name: str
    weight: Figure
    value: Figure
    price_note: str
    is_stale: bool


@dataclass(frozen=True)
class MonthlyReport:
    """Everything the template shows, with `Missing` where a figure is not known."""

    publication: Publication
    portfolio: Portfolio
    month_end: date
    value: Figure
    split: Split | Missing
    return_of_month: Figure
    return_of_year: Figure
    holdings: tuple[ReportedHolding, ...]
    further_holdings: int
    prices: str
    drawn: tuple[DayOfValue, ...] = field(repr=False)
    allocation: tuple[tuple[str, Decimal], ...]


def due_month(valuation_date: date, first_published: date | None) -> date | None:
    """Last day of the month whose report is due once `valuation_date` is published; None where none is.

    It is the latest month that is over by then: on a month's last day that month, on any other the one
    before. Nothing is due for a month that was over before Folio first published, so a new installation
    begins with its first month. A report that could not be made on the first such night is made on a later
    one of the month; the outbox keeps it from going out twice.
    """
    month_end = (valuation_date + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return month_end if first_published is not None and first_published <= month_end else None


def compose(published: Published, month_end: date) -> MonthlyReport:
    """The report of a month from published rows."""
    before_month = month_end.replace(day=1) - timedelta(days=1)
    before_year = date(month_end.year - 1, 12, 31)
    by_day = {row.valuation_date: row for row in published.days}
    final = by_day.get(month_end)
    value: Figure = NO_VALUE if final is None or final.value is None else final.value
    lines = [_reported(holding, month_end) for holding in published.holdings]
    return MonthlyReport(
        publication=published.publication,
        portfolio=published.portfolio,
        month_end=month_end,
        value=value,
        split=split(published.days, published.first_day, before_month, month_end),
        return_of_month=chained_return(published.days, published.first_day, before_month, month_end),
        return_of_year=chained_return(published.days, published.first_day, before_year, month_end),
        holdings=tuple(lines[:MOST_HOLDINGS]),
        further_holdings=max(len(lines) - MOST_HOLDINGS, 0),
        prices=prices_line(published.holdings, month_end),
        drawn=tuple(row for row in published.days if row.valuation_date <= month_end)[-MOST_DAYS_DRAWN:],
        allocation=tuple(published.allocation),
    )


def split(days: Sequence[DayOfValue], first_day: date | None, start: date, end: date) -> Split | Missing:
    """Change of value from the close of `start` to that of `end`, in its parts.

    The parts are sums of the published daily rows, which add up between any two valued days. A portfolio
    whose history begins after `start` had nothing then.
    """
    by_day = {row.valuation_date: row for row in days}
    final = by_day.get(end)
    if final is None or final.value is None:
        return NO_VALUE
    initial: Decimal | None
    if first_day is not None and first_day > start:
        initial = Decimal(0)
    else:
        opening = by_day.get(start)
        initial = opening.value if opening else None
    if initial is None:
        return Missing(f"a holding had no usable price on {wording.day(start)}")
    within = [row for row in days if start < row.valuation_date <= end]

    def total(part: str) -> Decimal:
        return sum((getattr(row, part) or Decimal(0) for row in within), Decimal(0))

    parts = (
        ("Paid in and out", total("net_flow")),
        ("Gains and losses", total("gains")),
        ("Income", total("income")),
        ("Fees", -total("fees")),
        ("Taxes", -total("taxes")),
        ("Currency", total("currency_effect")),
    )
    if initial + sum((amount for _, amount in parts), Decimal(0)) != final.value:
        return Missing("the published parts do not add up to the change")
    return Split(start, initial, parts, final.value)


def chained_return(days: Sequence[DayOfValue], first_day: date | None, start: date, end: date) -> Figure:
    """Time-weighted return from the close of `start` to that of `end`: published daily returns, chained.

    A day without a value has no return, and the next valued day's spans it. Missing where the history is
    shorter, where either end has no value, or where the chain restarts in between.
    """
    if first_day is None or first_day > start:
        begins = "it has none yet" if first_day is None else f"it begins on {wording.day(first_day)}"
        return Missing(f"the history is shorter than the period, {begins}")
    by_day = {row.valuation_date: row for row in days}
    for edge in (start, end):
        row = by_day.get(edge)
        if row is None or row.value is None:
            return Missing(f"a holding had no usable price on {wording.day(edge)}")
    growth = Decimal(1)
    for row in days:
        if not start < row.valuation_date <= end or row.value is None:
            continue
        if row.daily_return is None:
            return Missing(f"the return begins anew on {wording.day(row.valuation_date)}")
        growth *= 1 + row.daily_return
    return growth - 1


def prices_line(holdings: Sequence[Holding], day: date) -> str:
    """A sentence on how old the prices behind a value are; cash needs none."""
    priced = [holding for holding in holdings if holding.kind != "cash"]
    if not priced:
        return "No prices were needed."
    without = sum(holding.value is None for holding in priced)
    carried = [
        holding.price_date
        for holding in priced
        if holding.value is not None and holding.price_date is not None and holding.price_date < day
    ]
    if not without and not carried:
        return f"All prices are of {wording.day(day)}."
    sentences = [f"{len(priced) - without - len(carried)} of {len(priced)} prices are of {wording.day(day)}"]
    if carried:
        verb = "was" if len(carried) == 1 else "were"
        sentences.append(
            f"{len(carried)} {verb} carried from earlier days, the oldest from {wording.day(min(carried))}"
        )
    if without:
        sentences.append(f"{without} {'is' if without == 1 else 'are'} missing")
    return "; ".join(sentences) + "."


def write(report: MonthlyReport, recipient: Recipient, night: str, api_url: str) -> Mail:
    """The mail with a report, its charts inline."""
    currency = report.portfolio.portfolio_currency
    html, plain = templating.render(
        "monthly_report",
        report=report,
        addressee=recipient.name,
        currency=currency,
        value_chart=_picture(
            plots.value_chart(
                [row.valuation_date for row in report.drawn], [row.value for row in report.drawn], currency
            )
        )
        if any(row.value is not None for row in report.drawn)
        else None,
        allocation_chart=_picture(plots.allocation_chart(report.allocation)) if report.allocation else None,
        link=f"{api_url.rstrip('/')}/api/v1/portfolios/{report.portfolio.portfolio_id}/holdings",
    )
    return Mail(
        mail_id=report_mail_id(report.portfolio.portfolio_id, report.month_end),
        kind="report",
        subject_id=report.portfolio.portfolio_id,
        investor_id=_investor(report.portfolio, recipient),
        recipient=recipient.email,
        subject=wording.one_line(f"{report.portfolio.portfolio_name}: {wording.month(report.month_end)}"),
        html=html,
        plain=plain,
        created_night=night,
    )


def _investor(portfolio: Portfolio, recipient: Recipient) -> uuid.UUID:
    """The recipient's id, which must be the portfolio's investor: nobody is sent another's figures."""
    if portfolio.investor_id != recipient.investor_id:
        raise ValueError(f"portfolio {portfolio.portfolio_id} is not of investor {recipient.investor_id}")
    return recipient.investor_id


def _reported(holding: Holding, day: date) -> ReportedHolding:
    unpriced = Missing("no usable price")
    is_stale = holding.kind != "cash" and (holding.price_date is None or holding.price_date < day)
    if holding.kind == "cash":
        note = "cash"
    elif holding.price_date is None:
        note = "no price"
    else:
        note = f"price of {wording.day(holding.price_date)}{', carried' if is_stale else ''}"
    return ReportedHolding(
        name=holding.name,
        weight=unpriced if holding.weight is None else holding.weight,
        value=unpriced if holding.value is None else holding.value,
        price_note=note,
        is_stale=is_stale,
    )


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
