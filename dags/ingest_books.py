"""Take in the clients' book files that wait in the drop folder, and what wallets and exchanges hold.

Wallets are asked about by the addresses in the books (one dropped tonight from the next night on), exchanges
where a read-only key is set.

Triage: good rows load, bad ones are in `raw.rejected_rows` with file, line and reason. Mend the file, drop
it under a new name and run this Dag again with the same partition key; what was taken in before is not
doubled.
"""

from airflow.sdk import PartitionedAtRuntime, dag

from folio.orchestration.assets import BOOKS
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
def ingest_books() -> None:
    """One run a night."""
    ingest_task("books", BOOKS, "wallets.wallet_balances", "wallets.exchange_accounts")()


ingest_books()
