"""Take in the night's prices of shares and coins: Polygon's facts, the fallbacks', and crypto assets'.

Yahoo, Alpha Vantage, CoinGecko and the exchanges are asked only for the instruments that have an alias of
theirs in the books.

Triage: a failed load does not stop the night. Status 401 or 403 is the key, 429 the plan's rate: wait and
run this Dag again with the same partition key. Without a key the source is off and says so in
`fct_data_quality`.
"""

from airflow.sdk import PartitionedAtRuntime, dag

from folio.orchestration.assets import PRICES
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
def ingest_market_prices() -> None:
    """One run a night."""
    ingest_task(
        "market_prices",
        PRICES,
        "share_prices.polygon_facts",
        "share_prices.yahoo_bars",
        "share_prices.alphavantage_bars",
        "crypto_prices.coin_prices",
        "crypto_prices.exchange_candles",
    )()


ingest_market_prices()
