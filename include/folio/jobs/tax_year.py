"""Realised gains of an investor's tax year in the columns of the form that declares them, by lot."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from folio.errors import FolioError
from folio.figures.lots.events import EXACT, ZERO
from folio.figures.lots.terms import GrandfatheringRule, term_rule
from folio.jobs.tax_rules import TaxYear, grandfathering_rules, tax_years, term_rules

CENT = Decimal("0.01")

GAINS = """
    select gains.closing_transaction_id, gains.lot_id, accounts.account_code, instruments.instrument_name,
           instruments.isin, case instruments.instrument_kind when 'crypto' then 'crypto'
                                  else instruments.asset_class end as asset_class,
           gains.acquisition_date, gains.sale_date, gains.units, gains.proceeds_account,
           gains.tax_cost_account,
           gains.cost_added_account, gains.disallowed_account, gains.gain_account, gains.taxable_gain_account,
           gains.account_currency, gains.term,
           case when gains.acquisition_date <= %(valued_on)s then old.price_local * coalesce(
               (
                   select 1 / ops.product(splits.ratio)
                   from build.int_splits_resolved as splits
                   where splits.instrument_id = gains.instrument_id
                     and splits.execution_date > %(valued_on)s and splits.execution_date <= gains.sale_date
               ), 1)
           end as old_price
    from build.fct_realised_gains as gains
    join build.dim_accounts as accounts using (account_id)
    join build.dim_portfolios as portfolios on portfolios.portfolio_id = accounts.portfolio_id
    join build.dim_investors as investors using (investor_id)
    join build.dim_instruments as instruments on instruments.instrument_id = gains.instrument_id
    left join build.int_prices_carried as old
        on old.instrument_id = gains.instrument_id and old.valuation_date = %(valued_on)s
    where investors.investor_code = %(investor)s
      and accounts.tax_regime = %(regime)s
      and gains.sale_date between %(first_day)s and %(last_day)s
      -- Capital returned is no gain as long as the cost can take it.
      and (gains.units > 0 or gains.gain_account <> 0)
    order by gains.sale_date, gains.closing_transaction_id, gains.acquisition_date, gains.lot_id
"""


@dataclass(frozen=True, slots=True)
class Gain:
    """One row of `fct_realised_gains` with what forms ask for; `old_price` is of the grandfathering day."""

    closing_transaction_id: UUID
    lot_id: UUID
    account_code: str
    instrument_name: str
    isin: str | None
    asset_class: str
    acquisition_date: date
    sale_date: date
    units: Decimal
    proceeds_account: Decimal
    tax_cost_account: Decimal
    cost_added_account: Decimal
    disallowed_account: Decimal
    gain_account: Decimal
    taxable_gain_account: Decimal
    account_currency: str
    term: str | None
    old_price: Decimal | None


Line = Mapping[str, object]


def lines(connection: psycopg.Connection[Any], investor: str, year: str) -> list[Line]:
    """Lines of the form of the year's regime, in order of sale; `Gain` in its last columns adds up exactly.

    Raises
    ------
    FolioError
        The year is not named as a tax year is, no such investor is known, or the gains fall under two forms.
    """
    known = connection.execute("select from build.dim_investors where investor_code = %s", [investor])
    if known.fetchone() is None:
        raise FolioError(f"No investor {investor!r} is known.")
    found: dict[str, list[Line]] = {}
    for tax_year in tax_years(year):
        gains = _gains(connection, investor, tax_year)
        if gains:
            found[tax_year.form] = [FORMS[tax_year.form](gain) for gain in gains]
    if len(found) > 1:
        raise FolioError(f"Gains of {year} fall under {', '.join(sorted(found))}.")
    return next(iter(found.values()), [])


def as_csv(found: Sequence[Line]) -> str:
    """Lines of one form as CSV with its header; nothing where there are none."""
    text = io.StringIO(newline="")
    if found:
        writer = csv.DictWriter(text, found[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    return text.getvalue()


def _gains(connection: psycopg.Connection[Any], investor: str, year: TaxYear) -> list[Gain]:
    old = _grandfathering(year.regime, "equity")
    with connection.cursor(row_factory=class_row(Gain)) as cursor:
        return cursor.execute(
            GAINS,
            {
                "investor": investor,
                "regime": year.regime,
                "first_day": year.first_day,
                "last_day": year.last_day,
                "valued_on": old.valued_on if old else date.min,
            },
        ).fetchall()


def schedule_112a(gain: Gain) -> Line:
    """A line of India's Schedule 112A: long gains of equity units; others stand below as `other`.

    Amounts to the paisa, after fees; only equity held since before the grandfathering day takes its value as
    cost. Source: Schedule 112A of forms ITR-2 and ITR-3; Income-tax Act 1961, sections 55(2)(ac) and 112A.
    """
    old = _grandfathering("india", "equity")
    rule = term_rule(term_rules(), "india", gain.asset_class, gain.acquisition_date, gain.sale_date)
    is_112a = gain.asset_class == "equity" and gain.term == "long"
    is_old = is_112a and old is not None and gain.acquisition_date <= old.acquired_to
    value_then = EXACT.multiply(gain.units, gain.old_price) if is_old and gain.old_price is not None else None
    cost = gain.tax_cost_account
    if is_old and old is not None:
        cost = old.cost(
            gain.acquisition_date, gain.sale_date, gain.tax_cost_account, value_then, gain.proceeds_account
        )
    lower = None if value_then is None else min(value_then, gain.proceeds_account)
    return {
        "Share/Unit Acquired": old.acquired_code(gain.acquisition_date) if old else "",
        "Share/Unit Transferred": rule.transfer_code,
        "ISIN Code": gain.isin,
        "Name of the Share/Unit": gain.instrument_name,
        "No. of Shares/Units": _plain(gain.units),
        "Sale-price per Share/Unit": _cents(gain.proceeds_account / gain.units) if gain.units else None,
        "Full Value of Consideration": _cents(gain.proceeds_account),
        "Cost of acquisition without indexation": _cents(cost),
        "Cost of acquisition": _cents(gain.tax_cost_account),
        "Lower of fair market value and consideration": _cents(lower),
        "Fair Market Value per share/unit as on 31st January, 2018": _cents(
            gain.old_price if is_old else None
        ),
        "Total Fair Market Value": _cents(value_then),
        "Expenditure wholly and exclusively in connection with transfer": _cents(ZERO),
        "Total deductions": _cents(cost),
        "Balance": _cents(gain.proceeds_account - cost),
        "Section": "112A" if is_112a else "other",
        **_lot(gain),
    }


def form_8949(gain: Gain) -> Line:
    """A line of the US Form 8949: part I short, part II long, code W where a loss is denied.

    Amounts to the cent, proceeds after fees. Source: Instructions for Form 8949.
    """
    cost = gain.tax_cost_account + gain.cost_added_account
    return {
        "Part": {"short": "I", "long": "II"}.get(gain.term or ""),
        "(a) Description of property": f"{_plain(gain.units) if gain.units else 'Capital returned of'} "
        f"{gain.instrument_name}",
        "(b) Date acquired": gain.acquisition_date,
        "(c) Date sold or disposed of": gain.sale_date,
        "(d) Proceeds": _cents(gain.proceeds_account),
        "(e) Cost or other basis": _cents(cost),
        "(f) Code": "W" if gain.disallowed_account else "",
        "(g) Amount of adjustment": _cents(gain.disallowed_account) if gain.disallowed_account else "",
        "(h) Gain or (loss)": _cents(gain.taxable_gain_account),
        **_lot(gain),
    }


FORMS: Mapping[str, Callable[[Gain], Line]] = {"schedule_112a": schedule_112a, "form_8949": form_8949}


def _lot(gain: Gain) -> Line:
    """Which lot and sale a line is of, and its gain in `fct_realised_gains`."""
    return {
        "Account": gain.account_code,
        "Lot": gain.lot_id,
        "Acquired on": gain.acquisition_date,
        "Sale": gain.closing_transaction_id,
        "Sold on": gain.sale_date,
        "Term": gain.term,
        "Gain": _plain(gain.gain_account),
        "Currency": gain.account_currency,
    }


def _grandfathering(regime: str, asset_class: str) -> GrandfatheringRule | None:
    for rule in grandfathering_rules():
        if (rule.regime, rule.asset_class) == (regime, asset_class):
            return rule
    return None


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(CENT)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
