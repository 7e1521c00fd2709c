"""Alert episodes of a night: open where a portfolio's risk breaks its limit, closed where it holds again."""

from folio.delivery.mail.alerts import RULE, Measured, Verdict, judge
from folio.jobs.nights import Night
from folio.store import warehouse

COLUMNS = ("alert_id", "portfolio_id", "rule", "opened_night", "valuation_date", "observed", "threshold")


def evaluate(night: str) -> Verdict:
    """Judge the built risk figures of a night and write what opens and closes to computed.alerts.

    The night's own earlier verdict is taken back first, in the same transaction, so that running it again
    leaves the same rows. Nothing opens or closes on a figure that is null or incomplete.
    """
    this = Night.parse(night)
    with warehouse.connect() as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('folio.alerts'))")
        connection.execute(
            "delete from computed.alerts where rule = %s and opened_night = %s", (RULE, this.id)
        )
        connection.execute(
            "update computed.alerts set closed_night = null where rule = %s and closed_night = %s",
            (RULE, this.id),
        )
        open_before = dict(
            connection.execute(
                """
                select portfolio_id, alert_id from computed.alerts
                where rule = %s and opened_night < %s and closed_night is null
                """,
                (RULE, this.id),
            ).fetchall()
        )
        figures = connection.execute(
            """
            select distinct on (portfolios.portfolio_id)
                portfolios.portfolio_id,
                case when measures.quality <> 'incomplete' then measures.value end as observed,
                portfolios.var_limit
            from build.dim_portfolios as portfolios
            left join build.fct_risk_measures as measures
                on measures.portfolio_id = portfolios.portfolio_id
                and measures.valuation_date = %s
                and measures.measure = 'var'
                and measures.basis = 'current_holdings'
                and measures.method = 'historical'
                and measures.confidence = 0.95
                and measures.horizon_days = 1
            order by portfolios.portfolio_id, measures.window_days desc nulls last
            """,
            (this.valuation_date,),
        ).fetchall()
        verdict = judge((Measured(*row) for row in figures), open_before, this.id, this.valuation_date)
        warehouse.replace(
            connection,
            "computed.alerts",
            COLUMNS,
            ([getattr(episode, column) for column in COLUMNS] for episode in verdict.opened),
            where="false",
        )
        connection.execute(
            "update computed.alerts set closed_night = %s where alert_id = any(%s)",
            (this.id, list(verdict.closed)),
        )
    return verdict
