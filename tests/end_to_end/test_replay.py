"""`folio replay` takes recorded NAV files through the Dags, one night each, and says what came of them."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from decimal import Decimal

import psycopg
import pytest

from folio.settings import settings
from folio.store import postgres as postgres_module

MARCH = "NAVAll_2025-03-08_other-mirror.txt.gz"
"""Recorded eleven days after its newest NAVs: they are past their carry limit, so nothing can be valued."""

JULY = ("NAVAll_2025-07-26T0308.txt.gz", "NAVAll_2025-07-27T0322.txt.gz")
HTML = "NAVAll_2025-09-14T0244.txt.gz"


def navs(path):
    """Scheme code to (date, NAV as text) by a plain reader that shares no code with the product."""
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    rows = csv.reader(io.StringIO(text), delimiter=";")
    return {row[0]: (row[-1].strip(), row[-2].strip()) for row in rows if row and row[0].strip().isdigit()}


@pytest.fixture
def replay(tmp_path, monkeypatch, shared):
    """A function that replays files by the command and gives its report and its database's URI."""
    state = tmp_path / "state"
    tmp_path.chmod(0o755)
    for name in [name for name in os.environ if name.startswith("FOLIO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FOLIO_STATE", str(state))
    monkeypatch.setenv("FOLIO_INSTANCE", "replay")
    settings.cache_clear()
    server = postgres_module.embedded(settings())

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "folio.cli", "replay", str(shared / "data/amfi/navall_raw"), *arguments],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        server.start()
        return json.loads(done.stdout.splitlines()[-1]), postgres_module.folio_dsn(settings())

    yield run
    server.remove()
    settings.cache_clear()


def check_report(report):
    for night in report["nights"]:
        load = night["load"]
        assert load["seen"] == load["new"] + load["changed"] + load["same"] + load["rejected"], night
        assert night["failed"] == []
        assert load["status"] == ("failed" if night["file"] == HTML else "loaded"), night
        assert bool(night["publication"]) == (night["file"] not in (HTML, MARCH)), night


@pytest.mark.end_to_end
@pytest.mark.shared_data
@pytest.mark.timeout(1800)
def test_the_july_files_restate_every_holding_whose_price_they_change(replay, shared):
    report, dsn = replay(*(part for name in (*JULY, HTML) for part in ("--only", name)))
    check_report(report)
    assert [night["file"] for night in report["nights"]] == [*JULY, HTML]
    assert report["publications"] == 2

    before, after = (navs(shared / "data/amfi/navall_raw" / name) for name in JULY)
    restated = {
        code: (before[code][1], after[code][1])
        for code in before
        if after.get(code, ("", ""))[0] == before[code][0] == "25-Jul-2025"
        and before[code][1] != after[code][1]
    }
    assert len(restated) == 229

    with psycopg.connect(dsn) as connection:
        connection.execute("set role folio_bi")
        served = connection.execute(
            "select account_id, amfi_code::text, old_value, new_value from marts.fct_restatements "
            "join marts.dim_instruments using (instrument_id) "
            "where relation = 'fct_holdings' and figure = 'price_local' and valuation_date = '2025-07-25'"
        ).fetchall()
        connection.execute("reset role")
        held = connection.execute(
            "select account_id, amfi_code::text from history.fct_holdings as holdings "
            "join build.dim_instruments using (instrument_id) "
            "join history.publications as first on first.publication_id = holdings.publication_id "
            "where first.ordinal = 1 and holdings.valuation_date = '2025-07-25' and amfi_code is not null"
        ).fetchall()
    expected = {(account, code): restated[code] for account, code in held if code in restated}
    assert len({code for _, code in expected}) >= 40
    assert {(account, code) for account, code, _, _ in served} == set(expected)
    for account, code, old, new in served:
        assert (old, new) == tuple(map(Decimal, expected[account, code]))


@pytest.mark.end_to_end
@pytest.mark.shared_data
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_all_recorded_files_go_through_in_time_order(replay):
    report, _ = replay()
    check_report(report)
    assert len(report["nights"]) == 18
