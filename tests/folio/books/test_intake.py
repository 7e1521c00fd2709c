"""Book files of a drop folder landed in a real database."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from folio.books import identity, intake
from folio.demo import book, market
from folio.settings import settings
from folio.sources.landing import Load

INVESTORS = "investor_key,household_key,tax_unit_key,name,email,residency,risk_profile\n"
PORTFOLIOS = "portfolio_key,investor_key,name,currency,var_limit,drift_band\n"
ACCOUNTS = (
    "account_key,portfolio_key,name,kind,currency,tax_regime,lot_method,cash_model,flow_timing,opened_on\n"
)
TRANSACTIONS = "account_key,kind,trade_date,instrument,units,price,amount,currency,fee,tax\n"
DEPOSIT = "A1,deposit,2013-02-26,,,,100,EUR,,\n"


@pytest.fixture
def drop(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOLIO_RECORDED", "true")
    settings.cache_clear()
    folder = settings().drop
    folder.mkdir(parents=True)
    return folder


def put(drop: Path, name: str, text: str) -> None:
    (drop / name).write_text(text, encoding="utf-8")


def reference(drop: Path, instant: str = "2013-02-27T0000Z") -> None:
    # names in reverse order of need: the kind decides what lands first
    put(drop, f"{instant}_c.csv", INVESTORS + "I1,H1,T1,Investor 1,,DE,balanced\n")
    put(drop, f"{instant}_b.csv", PORTFOLIOS + "P1,I1,One,EUR,,0.05\n")
    put(drop, f"{instant}_a.csv", ACCOUNTS + "A1,P1,Broker,brokerage,EUR,de,fifo,kept,start,2009-01-02\n")


def query(dsn: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(text).fetchall()  # type: ignore[arg-type]


def counts(load: Load) -> tuple[int, int, int, int, int]:
    return load.rows_seen, load.rows_new, load.rows_changed, load.rows_same, load.rows_rejected


def test_reference_kinds_land_before_transactions_and_ids_are_registered(drop: Path, warehouse: str) -> None:
    reference(drop)
    put(drop, "2013-02-27T0000Z_0.csv", TRANSACTIONS + DEPOSIT)
    loads = intake.files("2013-02-28T0300Z")
    assert [load.dataset for load in loads] == ["investors", "portfolios", "accounts", "transactions"]
    assert {load.status for load in loads} == {"loaded"}
    assert query(warehouse, "select kind, source_key from raw.identities order by 1, 2") == [
        ("account", "A1"),
        ("household", "H1"),
        ("instrument", "cash:EUR"),
        ("investor", "I1"),
        ("portfolio", "P1"),
        ("tax_unit", "T1"),
    ]
    [(account_id,)] = query(warehouse, "select id from raw.identities where source_key = 'A1'")
    assert account_id == identity.surrogate_id("account", "A1")


def test_a_night_sees_only_files_of_its_time_and_a_second_run_writes_nothing(
    drop: Path, warehouse: str
) -> None:
    reference(drop)
    put(drop, "2013-03-01T0000Z_transactions.csv", TRANSACTIONS + DEPOSIT)
    assert [load.dataset for load in intake.files("2013-02-28T0300Z")] == [
        "investors",
        "portfolios",
        "accounts",
    ]
    before = query(warehouse, "select * from raw.loads order by load_id")
    assert all(load.repeated for load in intake.files("2013-02-28T0300Z"))
    assert query(warehouse, "select * from raw.loads order by load_id") == before
    last = intake.files("2013-03-01T0300Z")[-1]
    assert (last.dataset, last.repeated) == ("transactions", False)
    assert str(last.observed_at) == "2013-03-01 00:00:00+00:00"
    assert len(list(drop.iterdir())) == 4


def test_rows_sent_again_in_another_file_and_order_add_nothing_and_twins_stay_two(
    drop: Path, warehouse: str
) -> None:
    reference(drop)
    other = "A1,deposit,2013-02-26,,,,75,EUR,,\n"
    put(drop, "2013-02-27T0000Z_t.csv", TRANSACTIONS + DEPOSIT + other + DEPOSIT)
    put(drop, "2013-03-01T0000Z_t.csv", TRANSACTIONS + other + DEPOSIT + DEPOSIT)
    first, second = intake.files("2013-03-01T0300Z")[3:]
    assert counts(first) == (3, 3, 0, 0, 0)
    assert counts(second) == (3, 0, 0, 3, 0)
    assert query(warehouse, "select count(*), sum(amount) from raw.book_transactions") == [(3, 275)]


def test_bad_lines_are_kept_with_their_reason_and_good_ones_load(drop: Path, warehouse: str) -> None:
    reference(drop)
    bad = "A1,buy,2013-02-26,ticker:ZZ,1,1,1,EUR,,\n"
    put(drop, "2013-02-27T0000Z_t.csv", TRANSACTIONS + DEPOSIT + bad)
    load = intake.files("2013-02-28T0300Z")[-1]
    assert counts(load) == (2, 1, 0, 0, 1)
    [(line, reason, content)] = query(warehouse, "select line, reason, content from raw.rejected_rows")
    assert (line, content) == (3, bad.strip())
    assert "unknown ticker alias 'ZZ'" in reason


def test_a_file_of_no_known_kind_is_a_failed_load_and_the_others_land(drop: Path) -> None:
    reference(drop)
    put(drop, "2013-02-27T0000Z_report.csv", "colour,shape\nred,round\n")
    loads = intake.files("2013-02-28T0300Z")
    assert [load.status for load in loads] == ["loaded", "loaded", "loaded", "failed"]
    assert loads[-1].dataset == intake.UNRECOGNISED
    assert "2013-02-27T0000Z_report.csv: line 1: not the header of a book file" in str(loads[-1].reason)


def test_a_live_drop_takes_every_file_and_observes_it_now(
    drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLIO_RECORDED", "false")
    settings.cache_clear()
    reference(drop, instant="2999-01-01T0000Z")
    put(drop, ".hidden.csv", "half a fi")
    loads = intake.files("2013-02-28T0300Z")
    assert [load.status for load in loads] == ["loaded"] * 3
    assert all(load.observed_at is not None and load.observed_at.year < 2999 for load in loads)


def test_the_demo_book_lands_with_only_its_documented_rejections(
    drop: Path, warehouse: str, tmp_path: Path
) -> None:
    market.write(tmp_path / "market")
    book.write(tmp_path / "market", drop)
    loads = intake.files("2013-03-02T0300Z")
    assert {load.status for load in loads} == {"loaded"}
    assert sum(load.rows_rejected for load in loads) == 2
    faulty = next(load for load in loads if load.slot.startswith(f"{book.FAULTY_INCREMENT}_transactions"))
    assert (faulty.rows_rejected, faulty.rows_same) == (2, 1)
    assert all(
        load.rows_seen == load.rows_new + load.rows_changed + load.rows_same + load.rows_rejected
        for load in loads
    )
    [(accounts, lost)] = query(
        warehouse,
        "select count(distinct a.account_key), count(*) filter (where i.id is null) "
        "from raw.book_accounts as a left join raw.identities as i "
        "on i.kind = 'account' and i.source_key = a.account_key",
    )
    assert (accounts, lost) == (40, 0)


def test_an_account_may_name_any_lot_method_that_its_regime_allows(drop: Path, warehouse: str) -> None:
    reference(drop)
    named = [
        ("us", "hifo"),
        ("us", "average"),
        ("uk", "section_104"),
        ("de", "average"),
        ("de", "tax_minimising"),
    ]
    rows = "".join(
        f"{regime}-{method},P1,Broker,brokerage,EUR,{regime},{method},kept,start,2009-01-02\n"
        for regime, method in named
    )
    put(drop, "2013-02-27T0000Z_d.csv", ACCOUNTS + rows)
    intake.files("2013-02-28T0300Z")
    assert query(warehouse, "select account_key from raw.book_accounts order by 1") == [
        ("A1",),
        ("de-average",),
        ("uk-section_104",),
        ("us-hifo",),
    ]
    reasons = query(warehouse, "select reason from raw.rejected_rows order by reason")
    assert [reason[:60] for (reason,) in reasons] == [
        "column lot_method: 'average' is not for regime 'us'; allowed"[:60],
        "column lot_method: 'tax_minimising' is not for regime 'de'; "[:60],
    ]
