"""Findings on prices: where providers disagree about a price or a split, or quote in another currency."""

from typing import LiteralString

from folio.jobs import findings
from folio.jobs.findings import Check

SUITE = "prices"
SHOWN = 5
"""Days that a finding spells out, the latest first."""

DISAGREEMENTS: LiteralString = """
    with numbered as (
        select *, row_number() over (
            partition by instrument_id, price_source, other_source order by price_date desc
        ) as place
        from build.int_price_disagreements
    )
    select instruments.instrument_code || ' ' || price_source || ' ' || other_source,
           count(*) || ' days differ',
           'at most ' || trim_scale(max(band) * 100) || ' %% apart',
           string_agg(
               price_date || ': ' || price_source || ' ' || trim_scale(price_local) || ', '
               || other_source || ' ' || trim_scale(other_price_local),
               '; ' order by price_date desc
           ) filter (where place <= %(shown)s)
    from numbered join build.dim_instruments as instruments using (instrument_id)
    group by instruments.instrument_code, price_source, other_source
    order by 1
"""

OTHER_CURRENCIES: LiteralString = """
    select instruments.instrument_code || ' ' || price_source,
           days || ' prices in ' || coalesce(price_currency, 'an unnamed currency'),
           'prices in ' || other.local_currency,
           'last on ' || last_price_date || '; such prices are not used'
    from build.int_prices_in_other_currency as other
    join build.dim_instruments as instruments using (instrument_id)
    order by 1
"""

UNIT_CHANGES: LiteralString = """
    select instruments.instrument_code || ' ' || used.ex_date || ' ' || other.action_source,
           other.action_source || ': ' || trim_scale(other.ratio) || ' on ' || other.ex_date,
           used.action_source || ': ' || trim_scale(used.ratio) || ' on ' || used.ex_date,
           'units after for one before; the second counts'
    from build.int_unit_changes_stated as other
    join build.int_unit_changes_stated as used
        on used.instrument_id = other.instrument_id and used.is_used
        and abs(used.ex_date - other.ex_date) <= 5 and used.source_rank < other.source_rank
    join build.dim_instruments as instruments on instruments.instrument_id = other.instrument_id
    where not other.is_used and abs(other.ratio / used.ratio - 1) > 0.001
    order by 1
"""


CHECKS = (
    Check("providers_agree_on_prices", DISAGREEMENTS),
    Check("prices_are_in_the_instruments_currency", OTHER_CURRENCIES),
    Check("sources_agree_on_splits", UNIT_CHANGES),
)


def check_prices(night: str) -> int:
    """Write down the night's findings on prices as warnings; gives how many there are.

    A standing disagreement is a finding of every night until a book's price preference leaves one of the
    two sources out for the instrument.
    """
    return findings.warn(night, SUITE, CHECKS, {"shown": SHOWN})
