"""The demo book recomputed from its files by a naive ledger: never oversold, never overdrawn, pairs kept."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from folio.demo import book, market

Rows = list[dict[str, str]]
IN = {"buy", "switch_in", "transfer_in"}
OUT = {"sell", "switch_out", "transfer_out"}
FAULTY = {"P02A-BRK-BADDATE", "P04A-BRK-UNKNOWN", book.OVERSOLD_ID}


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    market.write(folder / "market")
    book.write(folder / "market", folder / "drop")
    return folder / "drop"


def table(drop: Path, kind: str, instant: str = book.FIRST_FILE) -> Rows:
    with (drop / f"{instant}_{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def good_transactions(drop: Path) -> Iterator[dict[str, str]]:
    """Every transaction in order of files, without the lines that are wrong or sent again."""
    yield from table(drop, "transactions")
    for instant in book.INCREMENTS:
        rows = table(drop, "transactions", instant)
        resent = rows[-1:] if instant == book.FAULTY_INCREMENT else []
        yield from (r for r in rows if r["external_id"] not in FAULTY and r not in resent)


def instrument_keys(drop: Path) -> dict[str, str]:
    aliases = {f"{r['scheme']}:{r['alias']}": r["instrument_key"] for r in table(drop, "instrument_aliases")}
    return aliases | {key: key for key in aliases.values()}


def number(row: dict[str, str], column: str) -> Decimal:
    return Decimal(row[column] or 0)


def test_it_has_the_people_and_accounts_it_promises(drop: Path) -> None:
    investors, accounts = table(drop, "investors"), table(drop, "accounts")
    assert len(investors) == 25
    assert len({r["household_key"] for r in investors}) == 14
    assert len(table(drop, "portfolios")) == 30
    assert len(accounts) == 40
    assert {r["currency"] for r in accounts} == {"USD", "EUR", "INR"}
    assert {r["kind"] for r in accounts} == {"brokerage", "folio", "retirement"}
    assert all(r["email"].endswith("@example.org") for r in investors)
    kinds = {r["kind"] for r in good_transactions(drop)}
    assert kinds == IN | OUT | {"deposit", "withdrawal", "dividend", "interest", "fee"}


def test_no_row_sells_what_is_not_held_and_no_kept_account_is_overdrawn(drop: Path) -> None:
    names = instrument_keys(drop)
    account = {r["account_key"]: r for r in table(drop, "accounts")}
    units: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    split_done = False
    for row in good_transactions(drop):
        key, kind = row["account_key"], row["kind"]
        assert row["trade_date"] >= account[key]["opened_on"], row
        if not split_done and row["trade_date"] >= "2012-06-04":
            split_done = True
            for holding in units:
                units[holding] *= 2 if holding[1] == "share-ibm" else 1
        if row["units"]:
            holding = (key, names[row["instrument"]])
            units[holding] += number(row, "units") * (1 if kind in IN else -1)
            assert units[holding] >= 0, row
        if account[key]["cash_model"] == "kept":
            rate = Decimal(row["fx_rate"] or 1)
            gross, costs = number(row, "amount") * rate, (number(row, "fee") + number(row, "tax")) * rate
            if kind in {"deposit", "interest", "dividend", "sell", "switch_out"}:
                cash[key] += gross - costs
            elif kind in {"withdrawal", "fee", "buy", "switch_in"}:
                cash[key] -= gross + costs
            assert cash[key] >= 0, row


def test_trades_are_at_the_days_close_and_rate_on_sessions(drop: Path) -> None:
    demo = market.market()
    names = instrument_keys(drop)
    currency = {r["account_key"]: r["currency"] for r in table(drop, "accounts")}
    for row in good_transactions(drop):
        day = date.fromisoformat(row["trade_date"])
        assert day in demo.sessions
        if row["price"]:
            asset = book.ASSETS[names[row["instrument"]]]
            assert Decimal(row["price"]) == demo.price(asset.source, day)
        crosses = row["amount"] != "" and row["currency"] != currency[row["account_key"]]
        assert bool(row["fx_rate"]) == crosses
        if row["fx_rate"]:
            there = demo.exchange(row["currency"], currency[row["account_key"]], day)
            assert Decimal(row["fx_rate"]) == there.quantize(Decimal("1e-12"))


def test_pairs_conserve_units_of_transfers_and_money_of_switches(drop: Path) -> None:
    names = instrument_keys(drop)
    pairs: defaultdict[str, Rows] = defaultdict(list)
    for row in good_transactions(drop):
        if row["pair_key"]:
            pairs[row["pair_key"]].append(row)
    assert len(pairs) > 20
    for legs in pairs.values():
        out, into = legs
        assert out["trade_date"] == into["trade_date"]
        if out["kind"] == "transfer_out":
            assert into["kind"] == "transfer_in"
            assert (out["units"], names[out["instrument"]]) == (into["units"], names[into["instrument"]])
        else:
            assert (out["kind"], into["kind"]) == ("switch_out", "switch_in")
            assert (out["amount"], out["account_key"]) == (into["amount"], into["account_key"])


def test_targets_of_a_portfolio_and_day_make_one_and_so_do_owners_of_an_account(drop: Path) -> None:
    weights: Counter[tuple[str, str]] = Counter()
    for row in table(drop, "targets"):
        weights[row["portfolio_key"], row["valid_from"]] += Decimal(row["weight"])  # type: ignore[assignment]
    assert set(weights.values()) == {Decimal(1)}
    shares: Counter[str] = Counter()
    for row in table(drop, "account_owners"):
        shares[row["account_key"]] += Decimal(row["share"])  # type: ignore[assignment]
    assert set(shares.values()) == {Decimal(1)}


def test_each_increment_holds_the_trades_of_its_day_and_one_the_documented_faults(drop: Path) -> None:
    assert max(r["trade_date"] for r in table(drop, "transactions")) <= "2013-02-26"
    for instant, day in book.INCREMENTS.items():
        rows = table(drop, "transactions", instant)
        if instant == book.FAULTY_INCREMENT:
            *rows, bad_date, unknown, oversold, twin, other_twin, resent = rows
            assert bad_date["trade_date"] == "2013-02-30"
            assert unknown["instrument"] == "ticker:ZZZZ"
            assert oversold["external_id"] == book.OVERSOLD_ID
            assert twin == other_twin
            assert not twin["external_id"]
            assert resent in table(drop, "transactions", "2013-02-28T0000Z")
        assert {r["trade_date"] for r in rows} == {day.isoformat()}
        assert len(rows) >= 5


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_book(drop: Path, tmp_path: Path) -> None:
    market.write(tmp_path / "market")
    again = book.write(tmp_path / "market", tmp_path / "same")
    assert all((drop / path.name).read_bytes() == path.read_bytes() for path in again)
    book.write(tmp_path / "market", tmp_path / "other", seed=1)
    name = f"{book.FIRST_FILE}_transactions.csv"
    assert (tmp_path / "other" / name).read_bytes() != (drop / name).read_bytes()
