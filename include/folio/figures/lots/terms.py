"""Terms of gains: whether a gain is short or long, its rate, and the cost that tax law gives old units.

Law changes by date, so every rule here is a row that says for which purchases and sales it holds; no date of
law stands in code.
"""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from folio.errors import LotError
from folio.figures.lots.events import EXACT, ZERO

Term = Literal["short", "long"]


@dataclass(frozen=True, slots=True)
class TermRule:
    """Term and rates of one asset class under one regime, for purchases and sales within its dates.

    A gain is long when the sale comes after the acquisition date plus `long_after_months` (and
    `long_after_days`); with neither it is always short. Ends are included; None is open. Rates are fractions
    of the gain without surcharge. `transfer_code` is how a form names sales under the rule.
    """

    regime: str
    asset_class: str
    acquired_from: date | None = None
    acquired_to: date | None = None
    sold_from: date | None = None
    sold_to: date | None = None
    long_after_months: int | None = None
    long_after_days: int | None = None
    short_rate: Decimal = ZERO
    long_rate: Decimal = ZERO
    transfer_code: str | None = None

    def holds(self, regime: str, asset_class: str, acquired: date, sold: date) -> bool:
        """Whether the rule is for this purchase and sale."""
        return (
            (self.regime, self.asset_class) == (regime, asset_class)
            and _within(acquired, self.acquired_from, self.acquired_to)
            and _within(sold, self.sold_from, self.sold_to)
        )

    def term(self, acquired: date, sold: date) -> Term:
        """Short or long."""
        if self.long_after_months is None and self.long_after_days is None:
            return "short"
        last_short = months_later(acquired, self.long_after_months or 0).toordinal()
        return "long" if sold.toordinal() > last_short + (self.long_after_days or 0) else "short"


@dataclass(frozen=True, slots=True)
class GrandfatheringRule:
    """Units bought by `acquired_to`, sold from `sold_from` on, may cost what they were worth on `valued_on`.

    `acquired_codes` is how a form names purchases before and after: the first up to `acquired_to`.
    """

    regime: str
    asset_class: str
    acquired_to: date
    sold_from: date
    valued_on: date
    acquired_codes: tuple[str, str] = ("", "")

    def cost(
        self, acquired: date, sold: date, cost: Decimal, value_then: Decimal | None, proceeds: Decimal
    ) -> Decimal:
        """Cost of acquisition: max(cost, min(value then, proceeds)) where the rule holds, else the cost.

        All of the same units in one currency; `value_then` is their value on `valued_on`, None where unknown.
        Source: Income-tax Act 1961 (India), section 55(2)(ac).
        """
        if acquired > self.acquired_to or sold < self.sold_from or value_then is None:
            return cost
        return max(cost, min(value_then, proceeds))

    def acquired_code(self, acquired: date) -> str:
        """How the form names a purchase of that day."""
        return self.acquired_codes[acquired > self.acquired_to]


def term_rule(
    rules: Sequence[TermRule], regime: str, asset_class: str, acquired: date, sold: date
) -> TermRule:
    """The one rule for a purchase and a sale.

    Raises
    ------
    LotError
        No rule or more than one says what the term is.
    """
    found = [rule for rule in rules if rule.holds(regime, asset_class, acquired, sold)]
    if len(found) != 1:
        raise LotError(
            f"{len(found)} rules say what term {asset_class} in {regime} has, bought {acquired}, sold {sold}"
        )
    return found[0]


def tax_on_gain(
    rules: Sequence[TermRule], regime: str, asset_class: str
) -> Callable[[date, date, Decimal], Decimal]:
    """Tax on a gain by acquisition date, sale date and gain, below zero for a loss: what it saves."""

    def tax(acquired: date, sold: date, gain: Decimal) -> Decimal:
        rule = term_rule(rules, regime, asset_class, acquired, sold)
        rate = rule.long_rate if rule.term(acquired, sold) == "long" else rule.short_rate
        return EXACT.multiply(gain, rate)

    return tax


def included_duty(amount: Decimal, rate: Decimal, money: Decimal) -> Decimal:
    """Stamp duty inside an amount paid: amount * rate / (1 + rate), rounded to `money`.

    India from 1 July 2020: rate 0.00005. Source: Indian Stamp Act 1899, sections 9A and 9B, Schedule I.
    """
    return EXACT.divide(EXACT.multiply(amount, rate), EXACT.add(Decimal(1), rate)).quantize(money)


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the last of its month where that has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)
