"""CoinGecko's answers: closes at midnight, exact small prices, complaints inside a 200."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from folio.errors import PayloadError
from folio.sources.connectors.coingecko import parse_coin, parse_current, parse_prices, slot_of
from folio.sources.landing import Load

LoadAt = Callable[..., Load]

SLOT = slot_of("bitcoin", "usd", date(2024, 3, 1), date(2024, 3, 2))


def at(*instant: int) -> int:
    return int(datetime(*instant, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


def chart(*points: list[object]) -> bytes:
    return json.dumps({"prices": points, "market_caps": points[:1], "total_volumes": []}).encode()


def test_the_stamp_of_midnight_is_the_close_of_the_day_before(load_at: LoadAt) -> None:
    body = chart([at(2024, 3, 2), 61000.5], [at(2024, 3, 3), 62000], [at(2024, 3, 3, 2, 59), 62500])
    batch = parse_prices(body, load_at(2024, 3, 3, 3, slot=SLOT))
    assert batch.rows == [
        (date(2024, 3, 1), "bitcoin", "USD", Decimal("61000.5"), Decimal("61000.5"), None, 1),
        (date(2024, 3, 2), "bitcoin", "USD", Decimal(62000), None, None, 2),
    ]
    assert batch.rejected == []


def test_days_outside_the_slot_are_left_out(load_at: LoadAt) -> None:
    body = chart([at(2024, 3, 1), 1], [at(2024, 3, 2), 2], [at(2024, 3, 4), 3])
    assert len(parse_prices(body, load_at(2024, 3, 4, slot=SLOT)).rows) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ([at(2024, 3, 2), 0], "price is not positive: 0"),
        ([at(2024, 3, 2), None], "price is no number: None"),
        ([at(2024, 3, 2)], "no pair of instant and value"),
        (["soon", 1], "stamp is no number: 'soon'"),
    ],
)
def test_a_bad_price_is_rejected_and_the_others_stay(
    load_at: LoadAt, point: list[object], reason: str
) -> None:
    batch = parse_prices(chart(point, [at(2024, 3, 3), 2]), load_at(2024, 3, 4, slot=SLOT))
    assert [(one.line, one.reason) for one in batch.rejected] == [(1, reason)]
    assert len(batch.rows) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":"coin not found"}', 'CoinGecko complains: "coin not found"'),
        (b'{"status":{"error_code":429,"error_message":"You have exceeded"}}', "You have exceeded"),
        (b'{"prices":[[1709341234000,1]],"market_caps":[],"total_volumes":[]}', "this is no daily chart"),
        (b'{"bitcoin":{"usd":1}}', "no market chart: it has no prices"),
        (b"[]", "a list where an object is wanted"),
        (b'{"prices":[[', "not whole JSON"),
    ],
)
def test_what_is_no_daily_chart_is_refused(load_at: LoadAt, body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        parse_prices(body, load_at(2024, 3, 4, slot=SLOT))


def test_current_prices_and_coins_are_not_taken_for_each_other(load_at: LoadAt) -> None:
    load = load_at(2024, 3, 4)
    assert parse_current(b'{"bitcoin":{"usd":61000.5}}', load).rows == [
        ("bitcoin", "USD", Decimal("61000.5"), 1)
    ]
    coin = b'{"id":"tether","symbol":"usdt","name":"Tether","platforms":{"ethereum":"0xdac1"}}'
    assert parse_coin(coin, load).rows == [("tether", "ethereum", "usdt", "Tether", "0xdac1", None, 1)]
    with pytest.raises(PayloadError, match="no prices of coins"):
        parse_current(coin, load)
    with pytest.raises(PayloadError, match="no coin"):
        parse_coin(b'{"bitcoin":{"usd":61000.5}}', load)
