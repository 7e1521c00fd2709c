"""Take in the night's file of fund NAVs from AMFI.

Triage: a failed or held load does not stop the night: prices are carried, with their age. See `folio loads
list`; release a held batch with `folio loads accept`; run this Dag again with the same partition key to try
once more.
"""

from airflow.sdk import PartitionedAtRuntime, dag

from folio.orchestration.assets import NAVS
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
def ingest_fund_navs() -> None:
    """One run a night."""
    ingest_task("fund_navs", NAVS)()


ingest_fund_navs()
