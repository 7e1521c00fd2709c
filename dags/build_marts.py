"""Turn what has landed by this night into built tables, stage by stage, and check them.

Triage: a red stage stops the night; readers keep the last publication. The task's note says which model,
test or identity failed. Mend the cause, clear the red task, and the night goes on from there.
"""

from typing import Any

from airflow.sdk import chain, dag, task

from folio.orchestration.assets import BOOKS, BUILT, NAVS, PRICES, RATES
from folio.orchestration.defaults import DEFAULT_ARGS, START, after, dbt_stage, night_of, skip_unless


@dag(
    schedule=after(NAVS & PRICES & RATES & BOOKS),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["stage:build"],
    doc_md=__doc__,
)
def build_marts() -> None:
    """One run a night, once all four ingests have said that they are done."""

    @task
    def open_night(dag_run: Any = None) -> None:
        from folio.jobs import nights

        skip_unless(
            nights.open_night(night_of(dag_run)),
            "a later night is already published: this one can no longer change what readers see",
        )

    @task
    def keep_calendars(dag_run: Any = None) -> None:
        from folio.jobs import calendars

        calendars.keep(night_of(dag_run))

    @task
    def write_history(dag_run: Any = None) -> str:
        from folio.jobs import history

        return history.write_night(night_of(dag_run))

    @task
    def account_batches(dag_run: Any = None) -> list[str]:
        from folio.jobs import nights

        return nights.account_batches(night_of(dag_run))

    @task
    def match_lots(batch: str, dag_run: Any = None) -> None:
        from folio.jobs import lots

        lots.match(night_of(dag_run), batch)

    @task
    def measure_returns(dag_run: Any = None) -> None:
        from folio.jobs import returns

        returns.measure(night_of(dag_run))

    @task
    def measure_risk(dag_run: Any = None) -> None:
        from folio.jobs import risk

        risk.measure(night_of(dag_run))

    @task(outlets=[BUILT])
    def check_identities(dag_run: Any = None) -> None:
        from folio.jobs import gaps, gates, price_checks, statements, wallets

        price_checks.check_prices(night_of(dag_run))
        gaps.check(night_of(dag_run))
        wallets.compare_with_ledger(night_of(dag_run))
        statements.check_statements(night_of(dag_run))
        gates.check_identities(night_of(dag_run))
        skip_unless(gates.can_value(night_of(dag_run)), gates.NOTHING_VALUED)

    opened = open_night()
    opened >> write_history()  # beside the way to publication: InfluxDB stops no night
    chain(
        opened,
        keep_calendars(),
        dbt_stage("ledger"),
        batches := account_batches(),
        match_lots.expand(batch=batches),
        dbt_stage("values"),
        measure_returns(),
        measure_risk(),
        dbt_stage("measures"),
        check_identities(),
    )


build_marts()
