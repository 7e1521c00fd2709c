"""The ingest jobs of a night against a real sandbox and a real warehouse."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from folio.commands import loads as loads_command
from folio.errors import LoadError
from folio.jobs import backfill, ingest
from folio.settings import settings
from folio.sources.landing import Load
from folio.sources.sandbox import Fault, Sandbox
from folio.store import warehouse as warehouse_module

NIGHT, NEXT_NIGHT = "2013-02-27T0300Z", "2013-02-28T0300Z"
DEMO = {
    "schemes.csv": "scheme_code,isin,scheme_name,category,fund_house\n"
    "900001,INF000A01011,Demo Growth Fund,Equity Scheme - Flexi Cap Fund,Folio Demo\n"
    "900002,INF000A01029,Demo Bond Fund,Debt Scheme - Gilt Fund,Folio Demo\n",
    "navs.csv": "scheme_code,nav_date,nav\n900001,2013-01-31,100\n900001,2013-02-26,101.2500\n"
    "900001,2013-02-27,101.5\n900002,2013-02-26,55.1234\n900002,2013-02-27,55.13\n",
    "prices.csv": "ticker,session_date,open,high,low,close,volume\n"
    "AAPL,2013-02-25,453.85,455.12,442.57,442.8,13276100\n"
    "AAPL,2013-02-26,443.82,451.54,437.66,448.97,17870800\nIBM,2013-02-26,198.63,199.62,198.0,199.14,2720000\n"
    "AAPL,2013-02-27,448.43,452.44,440.65,444.57,20976800\n",
    "splits.csv": "ticker,execution_date,split_from,split_to\nAAPL,2005-02-28,1,2\nIBM,2013-02-27,1,2\n",
    "fx.csv": "Date,USD,INR,CYP,\n2013-02-27,1.3097,70.6510,N/A,\n2013-02-26,1.3077,70.7860,N/A,\n"
    "2013-01-31,1.355,72.15,N/A,\n",
}


@pytest.fixture
def demo_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    for name, text in DEMO.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def serve(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sandbox]]:
    """Starts a sandbox over a folder and points the settings at it; checks are made plainly, for speed."""
    running: list[Sandbox] = []

    def start(*folders: Path) -> Sandbox:
        sandbox = Sandbox(folders)
        sandbox.start()
        running.append(sandbox)
        for name, value in {
            "AMFI_URL": sandbox.url,
            "POLYGON_URL": sandbox.url,
            "POLYGON_KEY": "s3cret",
            "ECB_URL": sandbox.url,
            "RECORDED": "true",
            "HTTP_ATTEMPTS": "2",
            "HTTP_BACKOFF_SECONDS": "0",
        }.items():
            monkeypatch.setenv(f"FOLIO_{name}", value)
        settings.cache_clear()
        return sandbox

    monkeypatch.setattr(ingest, "GREAT_EXPECTATIONS", "plain")
    yield start
    for sandbox in running:
        sandbox.stop()


@pytest.fixture
def rows(warehouse: str) -> Callable[[str], list[Any]]:
    def fetch(query: str) -> list[Any]:
        with warehouse_module.connect(warehouse) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    return fetch


Rows = Callable[[str], list[Any]]
Serve = Callable[..., Sandbox]


def brief(loads: list[Load]) -> list[tuple[str, str, str, int]]:
    return [(f"{load.source}/{load.dataset}", load.slot, load.status, load.rows_seen) for load in loads]


def night(which: str) -> list[Load]:
    return [*ingest.fund_navs(which), *ingest.market_prices(which), *ingest.fx_rates(which)]


def test_a_night_takes_in_what_was_known_by_then(serve: Serve, demo_folder: Path, rows: Rows) -> None:
    serve(demo_folder)
    assert brief(night(NIGHT)) == [
        ("amfi/navs", "2013-02-27T03:00Z", "loaded", 2),
        ("amfi/schemes", "2013-02-27T03:00Z", "loaded", 2),
        ("polygon/daily_bars", "2013-02-26", "loaded", 2),
        ("polygon/splits", "2013-02-27T03:00Z", "loaded", 2),
        ("ecb/fx_rates", "2013-02-26", "loaded", 2),
    ]
    assert rows("select distinct observed_at::text, night from raw.loads") == [
        ("2013-02-27 03:00:00+00", NIGHT)
    ]
    assert rows("select nav::text from raw.amfi_navs order by 1") == [("101.2500000000",), ("55.1234000000",)]
    assert rows("select count(*) from ops.check_results where status <> 'passed'") == [(0,)]


def test_running_a_night_again_changes_nothing_and_asks_for_nothing(
    serve: Serve, demo_folder: Path, rows: Rows
) -> None:
    sandbox = serve(demo_folder)
    night(NIGHT)
    tables = ("raw.loads", "raw.amfi_navs", "raw.amfi_schemes", "raw.polygon_daily_bars", "ops.check_results")
    hashes = [
        rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {name} as t") for name in tables
    ]
    asked = len(sandbox.requests)
    assert all(load.repeated for load in night(NIGHT))
    assert len(sandbox.requests) == asked
    assert hashes == [
        rows(f"select md5(string_agg(t::text, '|' order by t::text)) from {name} as t") for name in tables
    ]


def test_the_next_night_appends_what_changed(serve: Serve, demo_folder: Path, rows: Rows) -> None:
    serve(demo_folder)
    night(NIGHT)
    navs, schemes, bars, splits, rates = night(NEXT_NIGHT)
    assert (navs.rows_new, schemes.rows_same, bars.rows_new, rates.rows_new) == (2, 2, 1, 2)
    assert (splits.rows_seen, splits.rows_same) == (1, 1)  # asked again for the last weeks only


def test_without_a_key_polygon_is_off_and_says_so(
    serve: Serve, demo_folder: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(demo_folder)
    monkeypatch.delenv("FOLIO_POLYGON_KEY")
    settings.cache_clear()
    assert ingest.market_prices(NIGHT) == []
    assert rows("select night, check_name, subject, status, observed from ops.check_results") == [
        (NIGHT, "source on", "polygon", "warned", "source off")
    ]
    with pytest.raises(LoadError, match="polygon is switched off"):
        backfill.backfill_month("polygon", "2013-02")


def test_a_source_at_fault_does_not_stop_the_night_and_is_tried_again_the_next(
    serve: Serve, demo_folder: Path, rows: Rows
) -> None:
    sandbox = serve(demo_folder)
    sandbox.faults.switch_on(Fault("/v2/", "500"))
    sandbox.faults.switch_on(Fault("/spages", "html_404"))
    statuses = [status for _, _, status, _ in brief(night(NIGHT))]
    assert statuses == ["failed", "failed", "loaded", "loaded"]
    reasons = [
        reason for (reason,) in rows("select reason from raw.loads where status = 'failed' order by source")
    ]
    assert "NAVAll.txt: HTTP 404, an HTML page titled '404 Not Found'" in reasons[0]
    assert "HTTP 500" in reasons[1]
    assert "s3cret" not in str(reasons)
    sandbox.faults.switch_off()
    assert brief(ingest.market_prices(NEXT_NIGHT)) == [
        ("polygon/daily_bars", "2013-02-26", "loaded", 2),
        ("polygon/daily_bars", "2013-02-27", "loaded", 1),
        ("polygon/splits", "2013-02-28T03:00Z", "loaded", 1),
    ]


def test_a_day_on_which_an_old_file_came_is_made_up_for_whatever_the_next_file_still_has_of_it(
    serve: Serve, demo_folder: Path, rows: Rows
) -> None:
    with (demo_folder / "navs.csv").open("a") as file:
        file.write("900001,2013-02-28,102\n")  # 900002 has none: the next file has its NAV of the lost day
    sandbox = serve(demo_folder)
    sandbox.faults.switch_on(Fault("/spages/", "other_day", as_of="2013-02-28"))
    for night in (NIGHT, NEXT_NIGHT, "2013-03-01T0300Z"):
        ingest.fund_navs(night)
    assert rows(
        "select nav_date::text, scheme_code from raw.amfi_navs where nav_date > '2013-02-26' order by 1, 2"
    ) == [
        ("2013-02-27", 900001),
        ("2013-02-27", 900002),
        ("2013-02-28", 900001),
    ]


def test_a_weekend_has_no_bars_to_ask_for(serve: Serve, demo_folder: Path) -> None:
    sandbox = serve(demo_folder)
    assert brief(ingest.market_prices("2013-02-24T0300Z")) == [
        ("polygon/splits", "2013-02-24T03:00Z", "loaded", 1)
    ]
    assert not [path for path, _ in sandbox.requests if path.startswith("/v2/")]


def test_a_429_that_passes_is_no_news(serve: Serve, demo_folder: Path) -> None:
    serve(demo_folder).faults.switch_on(Fault("/spages", "429", times=1, retry_after=0))
    assert ingest.fund_navs(NIGHT)[0].status == "loaded"


def test_a_backfill_takes_each_slot_once_and_cuts_the_range(
    serve: Serve, demo_folder: Path, rows: Rows
) -> None:
    sandbox = serve(demo_folder)
    first, last = "2013-01-25", "2013-02-26"
    assert backfill.months("ecb", first, last) == ["2013-01", "2013-02"]
    found = [
        load
        for source in backfill.SOURCES
        for month in backfill.months(source, first, last)
        for load in backfill.backfill_month(source, month, first, last)
    ]
    assert {load.status for load in found} == {"loaded"}
    assert [load.slot for load in found if load.source == "ecb"] == [
        "2013-01-25..2013-01-31",
        "2013-02-01..2013-02-26",
    ]
    assert len([load for load in found if load.source == "polygon"]) == 23  # weekdays
    assert len([path for path, _ in sandbox.requests if "eurofxref-hist" in path]) == 1
    assert rows(
        "select nav_date::text, observed_at::text, known_basis from raw.amfi_navs order by 1 limit 1"
    ) == [("2013-01-31", "2013-02-01 03:00:00+00", "assumed")]
    assert rows("select max(session_date)::text, max(observed_at)::text from raw.polygon_daily_bars") == [
        ("2013-02-26", "2013-02-27 03:00:00+00")
    ]
    assert rows("select max(rate_date)::text, max(observed_at)::text from raw.ecb_fx_rates") == [
        ("2013-02-26", "2013-02-26 15:00:00+00")
    ]
    asked = len(sandbox.requests)
    assert all(load.repeated for load in backfill.backfill_month("polygon", "2013-02", first, last))
    assert len(sandbox.requests) == asked
    assert [load.repeated for load in ingest.market_prices(NIGHT)] == [True, False]


@pytest.mark.parametrize(
    ("source", "first", "last", "said"),
    [
        ("books", "2013-01-01", "2013-02-01", "no history to backfill"),
        ("ecb", "2013-02-01", "2013-01-01", "before it begins"),
        ("ecb", "soon", "2013-01-01", "'soon' is no day"),
    ],
)
def test_a_range_that_cannot_be_taken_in_is_refused(source: str, first: str, last: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        backfill.months(source, first, last)


def test_months_run_over_years() -> None:
    assert backfill.months("amfi", "2009-11-15", "2010-02-01") == ["2009-11", "2009-12", "2010-01", "2010-02"]


def nav_file(folder: Path, stamp: str, navs: dict[int, str]) -> None:
    lines = [
        "Scheme Code;ISIN Div Payout/ ISIN Growth;ISIN Div Reinvestment;Scheme Name;Net Asset Value;Date"
    ]
    lines += [f"{code};-;-;Fund {code};{nav};{stamp[8:10]}-Jul-2025" for code, nav in navs.items()]
    folder.mkdir(exist_ok=True)
    (folder / f"NAVAll_{stamp}.txt.gz").write_bytes(gzip.compress("\r\n".join(lines).encode()))


def test_a_file_cut_in_half_is_held_until_accepted(serve: Serve, tmp_path: Path, rows: Rows) -> None:
    folder = tmp_path / "recordings"
    whole = dict.fromkeys(range(1, 201), "10.5")
    nav_file(folder, "2025-07-16T0300", whole)
    nav_file(folder, "2025-07-17T0300", {code: nav for code, nav in whole.items() if code <= 100})
    nav_file(folder, "2025-07-18T0300", whole)
    serve(folder)
    assert [load.status for load in ingest.fund_navs("2025-07-16T0300Z")] == ["loaded", "loaded"]
    [held] = ingest.fund_navs("2025-07-17T0300Z")
    assert held.status == "held"
    assert (held.reason or "").startswith("rows against the last load: 100 rows, expected rows >= 190")
    assert rows(
        "select severity, status from ops.check_results where check_name = 'rows against the last load'"
    ) == [("fail", "failed")]
    assert [(load.dataset, load.status) for load in ingest.fund_navs("2025-07-18T0300Z")] == [
        ("navs", "loaded"),
        ("schemes", "loaded"),
        ("history", "failed"),  # asked for what the night before did not get; recordings have no history
    ]

    run = CliRunner()
    listed = json.loads(run.invoke(loads_command.app, ["list", "--status", "held", "--json"]).stdout)
    assert [load["slot"] for load in listed] == ["2025-07-17T03:00Z"]
    start = listed[0]["load_id"][:13]
    shown = run.invoke(loads_command.app, ["show", start])
    assert "rows against the last load" in shown.stdout
    accepted = run.invoke(loads_command.app, ["accept", start])
    assert accepted.exit_code == 0, accepted.output
    assert accepted.stdout.splitlines()[0].startswith(
        "amfi/navs 2025-07-17T03:00Z: loaded, 100 seen = 100 new"
    )
    assert rows("select count(*) from raw.loads where slot = '2025-07-17T03:00Z' and status = 'loaded'") == [
        (2,)
    ]
    assert isinstance(run.invoke(loads_command.app, ["accept", start]).exception, LoadError)
    assert isinstance(run.invoke(loads_command.app, ["show", "zz"]).exception, LoadError)
    assert "amfi" in run.invoke(loads_command.app, ["list", "--source", "amfi"]).stdout


@pytest.mark.shared_data
def test_recorded_files_land_with_their_restatements_and_none_is_held(
    serve: Serve, shared: Path, rows: Rows
) -> None:
    """All 17 good files in order of time, the HTML page, then a recorded file cut in half."""
    from folio.jobs.nights import Night
    from folio.sources.sandbox import recorded_instants

    folder = shared / "data" / "amfi" / "navall_raw"
    serve(folder)
    found = {instant: ingest.fund_navs(Night.at(instant).id) for instant in recorded_instants(folder)}
    assert len(found) == 18
    failed = [load for loads in found.values() for load in loads if load.status != "loaded"]
    assert [(load.slot, load.status) for load in failed if load.dataset == "navs"] == [
        ("2025-09-14T02:44Z", "failed")
    ]
    made_up_for = {load.slot for load in failed if load.dataset != "navs"}
    assert made_up_for == {"2025-09-06..2025-09-13"}  # asked for in vain: recordings have no history report
    assert failed[0].payload_bytes == 146
    every = [load for loads in found.values() for load in loads]
    assert all(
        load.rows_seen == load.rows_new + load.rows_changed + load.rows_same + load.rows_rejected
        for load in every
    )
    changed = {loads[0].slot: loads[0].rows_changed for loads in found.values()}
    assert (
        changed["2025-07-27T03:22Z"]
        == independent_restatements(folder, "2025-07-26T0308", "2025-07-27T0322")
        == 229
    )
    assert (
        changed["2025-10-05T02:49Z"]
        == independent_restatements(folder, "2025-10-04T0233", "2025-10-05T0249")
        == 8
    )


def independent_restatements(folder: Path, before: str, after: str) -> int:
    """Scheme and day pairs in both files whose NAVs differ as numbers."""
    old, new = (
        {
            (cells[0], cells[-1]): float(cells[-2])
            for line in gzip.decompress((folder / f"NAVAll_{stamp}.txt.gz").read_bytes())
            .decode()
            .split("\r\n")
            if len(cells := line.split(";")) == 6
            and cells[-2].replace(".", "").isdigit()
            and float(cells[-2]) > 0
        }
        for stamp in (before, after)
    )
    return sum(1 for key in old.keys() & new.keys() if abs(old[key] - new[key]) > 1e-9)


@pytest.mark.shared_data
def test_a_recorded_file_cut_in_half_is_held_even_months_later(
    serve: Serve, shared: Path, tmp_path: Path
) -> None:
    source = shared / "data" / "amfi" / "navall_raw"
    folder = tmp_path / "recordings"
    folder.mkdir()
    name = "NAVAll_2025-12-04_other-mirror.txt.gz"
    (folder / name).write_bytes((source / name).read_bytes())
    body = gzip.decompress((source / "NAVAll_2026-08-19T0235.txt.gz").read_bytes())
    (folder / "NAVAll_2026-08-19T0235.txt.gz").write_bytes(gzip.compress(body[: len(body) // 2]))
    serve(folder)
    assert ingest.fund_navs("2025-12-04T0000Z")[0].status == "loaded"
    [held] = ingest.fund_navs("2026-08-19T0235Z")
    assert (held.status, (held.reason or "")[:25]) == ("held", "rows against the last loa")
