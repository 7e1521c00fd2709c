"""Polygon's answers: exact numbers, pages, complaints inside a 200."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from folio.errors import PayloadError, SourceError
from folio.settings import Settings
from folio.sources.connectors.polygon import Polygon, parse_bars, parse_splits
from folio.sources.landing import Load
from folio.sources.sandbox import Fault, Sandbox
from folio.sources.session import ProviderSession

DAY = "2013-02-26"
BAR = '{"T":"AAPL","v":1.78708e7,"o":443.82,"c":448.97,"h":451.54,"l":437.66,"t":1361912400000,"n":9}'

LoadAt = Callable[..., Load]


def kept(*results: str, **page: object) -> bytes:
    head = json.dumps({"status": "OK", **page})[1:-1]
    return f'{{"pages":[{{{head},"results":[{",".join(results)}]}}]}}'.encode()


def bar(**changes: object) -> str:
    return json.dumps({**json.loads(BAR), **changes})


def test_a_bar_keeps_every_digit(load_at: LoadAt) -> None:
    batch = parse_bars(kept(BAR, resultsCount=1), load_at(2013, 2, 27, slot=DAY))
    assert batch.rows == [
        (
            date(2013, 2, 26),
            "AAPL",
            Decimal("443.82"),
            Decimal("451.54"),
            Decimal("437.66"),
            Decimal("448.97"),
            Decimal("17870800"),
            1,
        )
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"c": 0}, "c is not positive: 0"),
        ({"c": None}, "c is no number: None"),
        ({"c": "N/A"}, "c is no number: 'N/A'"),
        ({"c": True}, "c is no number: True"),
        ({"c": 500}, "c 500 lies outside l 437.66 to h 451.54"),
        ({"T": ""}, "T is no ticker: ''"),
        ({"v": -1}, "v is negative: -1"),
        ({"t": 1361998800000}, "t is of 2013-02-27, not of the day asked for, 2013-02-26"),
    ],
)
def test_a_bad_bar_is_rejected_and_the_others_stay(
    load_at: LoadAt, changes: dict[str, object], said: str
) -> None:
    batch = parse_bars(kept(bar(**changes), BAR), load_at(2013, 2, 27, slot=DAY))
    assert [(one.line, one.reason) for one in batch.rejected] == [(1, said)]
    assert len(batch.rows) == 1  # type: ignore[arg-type]


def test_a_day_without_a_session_has_no_bars(load_at: LoadAt) -> None:
    batch = parse_bars(b'{"pages":[{"status":"OK","resultsCount":0}]}', load_at(2013, 2, 27, slot=DAY))
    assert (batch.rows, batch.rejected) == ([], [])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"pages":[{"status":"ERROR","error":"Unknown API Key"}]}', "Unknown API Key"),
        (b'{"pages":[{"status":"OK","resultsCount":2,"results":[]}]}', "says 2 results and gives 0"),
        (b'{"pages":[{"status":"OK","results":[', "not whole JSON"),
        (b'{"pages":[{"status":"OK","results":[{"c":NaN}]}]}', "NaN is no number"),
        (b"[]", "a list where an object is wanted"),
        (b"{}", "no pages"),
    ],
)
def test_what_is_no_answer_of_polygon_is_no_payload(load_at: LoadAt, body: bytes, said: str) -> None:
    with pytest.raises(PayloadError, match=said):
        parse_bars(body, load_at(2013, 2, 27, slot=DAY))


def test_bad_splits_are_rejected(load_at: LoadAt) -> None:
    good = '{"execution_date":"2022-07-18","split_from":1,"split_to":20.5,"ticker":"GOOGL"}'
    body = kept(good, good.replace("2022-07-18", "soon"), good.replace(":1,", ":0,"), "7")
    batch = parse_splits(body, load_at(2022, 8, 1))
    assert batch.rows == [("GOOGL", date(2022, 7, 18), Decimal(1), Decimal("20.5"), 1)]
    assert [one.reason for one in batch.rejected] == [
        "execution_date is no date: 'soon'",
        "split_from is not positive: 0",
        "ticker is no ticker: None",
    ]


def test_splits_are_fetched_over_all_pages(
    demo_folder: Path, quick: Settings, load_at: LoadAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("folio.sources.connectors.polygon.PAGE_ROWS", 1)
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession("polygon", sandbox.url, quick, key="secret") as http,
    ):
        payload = Polygon(http).fetch_splits(date(2000, 1, 1), date(2013, 1, 1))
        assert len(sandbox.requests) == 2
        assert all("secret" not in path for path, _ in sandbox.requests)
    batch = parse_splits(payload.body, load_at(2013, 1, 1))
    assert [(row[0], row[-1]) for row in batch.rows] == [("MSFT", 1), ("AAPL", 2)]  # type: ignore[union-attr]


def test_a_complaint_inside_a_200_and_a_403_are_told(demo_folder: Path, quick: Settings) -> None:
    with (
        Sandbox(demo_folder) as sandbox,
        ProviderSession("polygon", sandbox.url, quick, key="secret") as http,
    ):
        sandbox.faults.switch_on(Fault("/v2/", "error_status", times=1))
        with pytest.raises(SourceError, match=r"HTTP 200 with status 'ERROR': Internal trouble"):
            Polygon(http).fetch_bars(date(2013, 2, 26))
        sandbox.faults.switch_on(Fault("/v2/", "403", times=1))
        with pytest.raises(SourceError, match=r"HTTP 403, saying .*Please upgrade your plan"):
            Polygon(http).fetch_bars(date(2013, 2, 26))


@pytest.mark.shared_data
def test_the_official_clients_examples_are_read(shared: Path, load_at: LoadAt) -> None:
    folder = shared / "data" / "api" / "polygon" / "client_python_mocks"
    splits = (folder / "v3__reference__splits.json").read_bytes()
    read = parse_splits(b'{"pages":[' + splits + b"]}", load_at(2022, 8, 1))
    assert len(read.rows) == len(json.loads(splits)["results"])  # type: ignore[arg-type]
    assert not read.rejected
