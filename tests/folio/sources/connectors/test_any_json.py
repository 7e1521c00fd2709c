"""Whatever JSON a provider sends, reading it gives rows and rejected lines, or refuses the payload."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folio.errors import PayloadError
from folio.sources.connectors import coingecko, esplora, ethereum, exchanges
from folio.sources.landing import Batch, Load

NAMES = [
    "pages", "result", "error", "status", "prices", "market_caps", "total_volumes", "id", "symbol", "name",
    "platforms", "detail_platforms", "asked", "answers", "jsonrpc", "method", "params", "address",
    "chain_stats", "funded_txo_sum", "spent_txo_sum", "balances", "accounts", "fills", "trades", "pair",
    "base", "quote", "altname", "balance", "hold_trade", "asset", "free", "locked", "type", "time",
    "price", "vol", "side", "isBuyer", "product_id", "ordertxid", "fee", "cost", "message", "msg", "code",
    "XXBTZUSD",
]  # fmt: skip
TEXTS = ["2.0", "", "0x0", "BTC-USD", "BTCUSDT", "1.5", "buy", "NaN", "1710288000", "ACCOUNT_TYPE_CRYPTO"]

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.just(1710288000000), st.just(1e400), st.floats(-2, 2),
    st.sampled_from(TEXTS),
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)

LOAD = Load(
    load_id=uuid.UUID(int=1), source="", dataset="", slot="", attempt=1, night=None, request="",
    status="running", payload_sha256=None, payload_bytes=None, observed_at=datetime(2024, 3, 20, tzinfo=UTC),
    known_basis="observed", rows_seen=0, rows_new=0, rows_changed=0, rows_same=0, rows_rejected=0,
    reason=None,
)  # fmt: skip

DAY, CANDLES, COIN = "2024-03-13", "BTC/USD@2024-03-13..2024-03-13", "bitcoin/USD@2024-03-13..2024-03-13"

READERS: dict[str, tuple[Callable[[bytes, Load], Batch], str]] = {
    "coingecko daily prices": (coingecko.parse_prices, COIN),
    "coingecko current prices": (coingecko.parse_current, ""),
    "coingecko coins": (coingecko.parse_coin, ""),
    "ethereum balances": (ethereum.parse_balances, DAY),
    "esplora balances": (esplora.parse_balances, DAY),
    **{
        f"{exchange} {dataset}": (partial(parse, exchange), CANDLES if "candles" in dataset else DAY)
        for exchange in exchanges.EXCHANGES
        for dataset, parse in exchanges.PARSERS.items()
    },
}


@pytest.mark.parametrize("name", sorted(READERS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pages=st.lists(JSON, max_size=3), whole=JSON)
def test_any_json_is_read_or_refused(name: str, pages: list[Any], whole: Any) -> None:
    read, slot = READERS[name]
    load = Load(**{**vars(LOAD), "slot": slot})
    for value in (whole, {"pages": pages}, {"asked": pages, "answers": pages[::-1]}):
        try:
            batch = read(json.dumps(value).encode(), load)
        except PayloadError:
            continue
        assert all(len(one.reason) > 3 for one in batch.rejected)
        assert len(list(batch.rows)) >= 0  # type: ignore[arg-type]
