"""Take in the euro reference rates of the ECB, and files of factors and risk-free rates that were dropped.

Triage: a failed load does not stop the night: the last rates are carried, five days at most.
"""

from airflow.sdk import PartitionedAtRuntime, dag

from folio.orchestration.assets import RATES
from folio.orchestration.defaults import DEFAULT_ARGS, START, ingest_task


@dag(
    schedule=PartitionedAtRuntime(),
    start_date=START,
    catchup=False,
    max_active_runs=4,
    default_args=DEFAULT_ARGS,
    tags=["stage:ingest"],
    doc_md=__doc__,
)
def ingest_fx_rates() -> None:
    """One run a night."""
    ingest_task("fx_rates", RATES, "factor_files.factor_files")()


ingest_fx_rates()
