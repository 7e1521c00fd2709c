"""What a sandbox says of single shares and funds: as Polygon, Yahoo, Alpha Vantage and mfapi.in would."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fractions import Fraction
from urllib.parse import unquote

from folio.sources.sandbox.answers import Answer, Archive, BarRow

TICKER_BARS = "/v2/aggs/ticker/"
DIVIDENDS = "/v3/reference/dividends"
TICKERS = "/v3/reference/tickers"
YAHOO = "/v8/finance/chart/"
ALPHAVANTAGE = "/query"
MFAPI = "/mf/"
JSON = "application/json"

NEW_YORK_OPENS = time(14, 30)
"""UTC time at which Yahoo stamps a session of New York in winter."""


@dataclass(frozen=True)
class Question:
    """A request: path, parameters, whether a Polygon key came with it, and the instant asked about."""

    path: str
    query: Mapping[str, str]
    is_keyed: bool
    as_of: datetime | None


def answer(archive: Archive, asked: Question) -> Answer | None:
    """The answer to a question about a single share or fund; None where the path is nobody's here."""
    path = asked.path
    if path.startswith(YAHOO):
        return _yahoo(archive, unquote(path.removeprefix(YAHOO)), asked)
    if path == ALPHAVANTAGE:
        return _alphavantage(archive, asked)
    if path.startswith(MFAPI):
        return _mfapi(archive, path.removeprefix(MFAPI), asked)
    if not path.startswith((TICKER_BARS, DIVIDENDS, TICKERS)):
        return None
    if not asked.is_keyed:
        return _json(archive, asked, {"status": "ERROR", "error": "API Key was not provided"}, 401)
    if path.startswith(TICKER_BARS):
        return _ticker_bars(archive, asked)
    if path == DIVIDENDS:
        return _polygon(archive, asked, _dividends(archive, asked))
    if path == TICKERS:
        is_active = asked.query.get("active", "true") == "true"
        listed = [_listing(ticker) for ticker in archive.tickers(asked.as_of)]
        return _polygon(archive, asked, listed if is_active else [])
    ticker = unquote(path.removeprefix(f"{TICKERS}/"))
    if ticker not in archive.tickers(asked.as_of):
        return _json(archive, asked, {"status": "NOT_FOUND", "message": "Ticker not found."}, 404)
    return _polygon(archive, asked, _listing(ticker))


def _ticker_bars(archive: Archive, asked: Question) -> Answer:
    """Polygon's bars of one ticker: /v2/aggs/ticker/AAPL/range/1/day/2013-02-26/2013-02-27."""
    ticker, _, _, _, first, last = asked.path.removeprefix(TICKER_BARS).split("/")
    bars = [
        {
            **{short: float(price) for short, price in zip("ohlc", bar.prices, strict=True)},
            "v": float(bar.volume),
            "t": int(datetime.combine(bar.day, time(5), UTC).timestamp() * 1000),
        }
        for bar in _between(archive.ticker_bars(unquote(ticker), asked.as_of), first, last)
    ]
    return _polygon(
        archive, asked, bars, {"ticker": unquote(ticker), "adjusted": False, "resultsCount": len(bars)}
    )


def _dividends(archive: Archive, asked: Question) -> list[dict[str, object]]:
    """Dividends with an ex-date between the days asked for."""
    first = asked.query.get("ex_dividend_date.gte", "")
    last = asked.query.get("ex_dividend_date.lte", "9999")
    return [
        {
            "ticker": row["ticker"],
            "ex_dividend_date": row["ex_dividend_date"],
            "cash_amount": float(row["cash_amount"]),
            "currency": row.get("currency") or "USD",
            "dividend_type": row.get("dividend_type") or "CD",
            "frequency": 4,
        }
        for row in archive.dividends(asked.as_of)
        if first <= row["ex_dividend_date"] <= last
    ]


def _listing(ticker: str) -> dict[str, object]:
    """What Polygon says of a ticker."""
    return {
        "ticker": ticker,
        "name": f"{ticker} Inc.",
        "market": "stocks",
        "locale": "us",
        "primary_exchange": "XNAS",
        "type": "CS",
        "active": True,
        "currency_name": "usd",
    }


def _polygon(
    archive: Archive, asked: Question, results: object, more: Mapping[str, object] | None = None
) -> Answer:
    """An answer of Polygon."""
    return _json(archive, asked, {**(more or {}), "results": results, "status": "OK"})


def _yahoo(archive: Archive, symbol: str, asked: Question) -> Answer:
    """Yahoo's chart: every price restated for the splits known by the instant asked about."""
    known = archive.ticker_bars(symbol, asked.as_of)
    if not known:
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return _json(archive, asked, {"chart": {"result": None, "error": error}}, 404)
    first, last = (
        datetime.fromtimestamp(int(asked.query[name]), UTC).date() for name in ("period1", "period2")
    )
    splits = [
        (split.execution_date, Fraction(split.split_to) / Fraction(split.split_from))
        for split in archive.splits(asked.as_of)
        if split.ticker == symbol
    ]
    bars = [bar for bar in known if first <= bar.day < last]
    restated = [(bar, _later_splits(splits, bar.day)) for bar in bars]
    quote: dict[str, list[float]] = {
        name: [round(float(Fraction(bar.prices[place]) / ratio), 6) for bar, ratio in restated]
        for place, name in enumerate(("open", "high", "low", "close"))
    }
    quote["volume"] = [round(float(Fraction(bar.volume) * ratio)) for bar, ratio in restated]
    events = {
        "dividends": {
            str(_stamp(day)): {"amount": float(amount / _later_splits(splits, day)), "date": _stamp(day)}
            for row in archive.dividends(asked.as_of)
            if row["ticker"] == symbol
            for day, amount in [(date.fromisoformat(row["ex_dividend_date"]), Fraction(row["cash_amount"]))]
            if first <= day < last
        },
        "splits": {
            str(_stamp(day)): {
                "date": _stamp(day),
                "numerator": float(ratio.numerator),
                "denominator": float(ratio.denominator),
            }
            for day, ratio in splits
            if first <= day < last
        },
    }
    result = {
        "meta": {
            "currency": "USD",
            "symbol": symbol,
            "exchangeTimezoneName": "America/New_York",
            "dataGranularity": "1d",
        },
        "timestamp": [_stamp(bar.day) for bar in bars],
        "events": {name: said for name, said in events.items() if said},
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]},
    }
    return _json(archive, asked, {"chart": {"result": [result], "error": None}})


def _later_splits(splits: Sequence[tuple[date, Fraction]], day: date) -> Fraction:
    """New shares for one of a day, over all splits after it."""
    ratio = Fraction(1)
    for executed, one in splits:
        if executed > day:
            ratio *= one
    return ratio


def _alphavantage(archive: Archive, asked: Question) -> Answer:
    """Alpha Vantage's daily series; a question without key or of an unknown symbol gets a note, with 200."""
    if not asked.query.get("apikey"):
        note = "the parameter apikey is invalid or missing."
        return _json(archive, asked, {"Error Message": note})
    symbol = asked.query.get("symbol", "")
    bars = archive.ticker_bars(symbol, asked.as_of)
    if not bars or asked.query.get("function") != "TIME_SERIES_DAILY":
        return _json(archive, asked, {"Error Message": "Invalid API call. Please retry."})
    if asked.query.get("outputsize") != "full":
        bars = bars[-100:]
    series = {
        bar.day.isoformat(): {
            **{
                f"{place}. {name}": str(price)
                for place, (name, price) in enumerate(
                    zip(("open", "high", "low", "close"), bar.prices, strict=True), start=1
                )
            },
            "5. volume": str(bar.volume),
        }
        for bar in reversed(bars)
    }
    meta = {"1. Information": "Daily Prices", "2. Symbol": symbol, "5. Time Zone": "US/Eastern"}
    return _json(archive, asked, {"Meta Data": meta, "Time Series (Daily)": series})


def _mfapi(archive: Archive, code: str, asked: Question) -> Answer:
    """The NAV history of a scheme, newest first; an unknown scheme has none, with success."""
    navs = archive.scheme_navs(code, asked.as_of)
    data = [{"date": f"{day:%d-%m-%Y}", "nav": nav} for day, nav in reversed(navs)]
    meta = {"scheme_code": int(code)} if navs and code.isdigit() else {}
    return _json(archive, asked, {"meta": meta, "data": data, "status": "SUCCESS"})


def _between(bars: Sequence[BarRow], first: str, last: str) -> list[BarRow]:
    """Bars of the days between two in ISO form, both included."""
    return [bar for bar in bars if first <= bar.day.isoformat() <= last]


def _stamp(day: date) -> int:
    """Unix time of a session's opening."""
    return int(datetime.combine(day, NEW_YORK_OPENS, UTC).timestamp())


def _json(archive: Archive, asked: Question, value: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, JSON, json.dumps(value).encode(), archive.recorded_at(asked.as_of))
