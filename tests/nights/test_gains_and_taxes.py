"""Terms, denied losses and tax forms of the demo's gains."""

from collections import Counter
from datetime import date
from decimal import Decimal

import psycopg

from folio.jobs import tax_year


def rows(dsn, query, *parameters):
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return connection.execute(query, parameters).fetchall()


def anniversary(day):
    return date(day.year + 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def test_american_gains_are_long_after_the_anniversary_and_other_regimes_have_no_term(demo_nights):
    gains = rows(
        demo_nights,
        "select tax_regime, acquisition_date, sale_date, term, cost_added_account "
        "from build.fct_realised_gains join build.dim_accounts using (account_id)",
    )
    assert {"us", "india", "de"} <= {regime for regime, *_ in gains}
    for regime, acquired, sold, term, cost_added in gains:
        if regime == "us" and not cost_added:
            assert term == ("long" if sold > anniversary(acquired) else "short")
        if regime not in ("us", "india"):  # debt in India has rules from 2014 on only
            assert term is None, regime


def test_denied_losses_are_borne_by_what_replaced_the_units(demo_nights):
    denied = Counter(
        dict(
            rows(
                demo_nights,
                "select tax_unit_id, sum(disallowed_account) from build.fct_realised_gains "
                "join build.dim_portfolios using (portfolio_id) group by 1",
            )
        )
    )
    borne = Counter(
        dict(
            rows(
                demo_nights,
                "select tax_unit_id, sum(cost_added_account) from ("
                " select portfolio_id, cost_added_account from build.fct_realised_gains"
                " union all select portfolio_id, cost_added_account from build.fct_tax_lots) as parts "
                "join build.dim_portfolios using (portfolio_id) group by 1",
            )
        )
    )
    for tax_unit, amount in denied.items():
        assert 0 <= borne[tax_unit] <= amount  # retirement accounts lose what they would bear
    odd = rows(
        demo_nights,
        "select count(*) from build.fct_realised_gains join build.dim_accounts using (account_id) "
        "where (disallowed_account > 0 or cost_added_account > 0) and tax_regime <> 'us' "
        "or disallowed_account > greatest(0, cost_added_account - gain_account)",
    )
    assert odd == [(0,)]


def test_forms_add_up_to_the_gains_of_the_year(demo_nights):
    sold = rows(
        demo_nights,
        "select investor_code, sum(gain_account) from build.fct_realised_gains "
        "join build.dim_accounts using (account_id) "
        "join build.dim_portfolios on dim_portfolios.portfolio_id = dim_accounts.portfolio_id "
        "join build.dim_investors using (investor_id) "
        "where tax_regime = 'us' and sale_date between '2012-01-01' and '2012-12-31' group by 1",
    )
    assert sold
    with psycopg.connect(demo_nights) as connection:
        for investor, gain in sold:
            form = tax_year.lines(connection, investor, "2012")
            assert sum(Decimal(str(line["Gain"])) for line in form) == gain
