"""Assets that carry a night from Dag to Dag; the partition key of every event is the night."""

from airflow.sdk import Asset

NAVS = Asset(name="navs", uri="folio://raw/fund_navs", group="raw")
PRICES = Asset(name="prices", uri="folio://raw/market_prices", group="raw")
RATES = Asset(name="rates", uri="folio://raw/fx_rates", group="raw")
BOOKS = Asset(name="books", uri="folio://raw/books", group="raw")
BUILT = Asset(name="built", uri="folio://build/marts", group="build")
ORDERS = Asset(name="orders", uri="folio://computed/rebalance_orders", group="decisions")
ADVICE = Asset(name="advice", uri="folio://computed/recommendations", group="decisions")
PUBLISHED = Asset(name="published", uri="folio://marts/publication", group="publication")
