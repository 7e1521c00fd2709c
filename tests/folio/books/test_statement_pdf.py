"""Fund statements as PDF: opened by their password, read to the unit, kept without who they are of."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from folio.books.importers import registry
from folio.books.statement_pdf import read_pdf
from folio.commands.books import app
from folio.errors import PayloadError
from folio.settings import settings
from tests.folio.books.locked_pdf import Text, locked_pdf, right

PASSWORD = "ABCDE1234F"
EDGES = (330.0, 400.0, 460.0, 540.0)
ROWS = (
    ("10-May-2022", "SIP Purchase", "1,014.82", "100.250", "10.1234", "100.250"),
    ("10-May-2022", "*** Stamp Duty ***", "0.05", "", "", ""),
    ("01-Sep-2023", "Redemption less STT", "(784.88)", "(60.375)", "13.0001", "39.875"),
)


def statement(*rows: tuple[str, ...], closing: str = "39.875") -> list[Text]:
    """Words of a registrar's detailed statement of one scheme, in its columns."""
    above = (
        "CAMSCASWS-1", "Consolidated Account Statement", "01-Apr-2022 To 31-May-2025",
        "Email Id: somebody@example.org", "Some Body", "1 Some Street", "Mobile: +910000000000",
    )  # fmt: skip
    words: list[Text] = [(40.0, 800.0 - 12 * n, line) for n, line in enumerate(above)]
    words += [(40.0, 700.0, "Date"), (100.0, 700.0, "Transaction")]
    words += [
        right(edge, 700.0, name)
        for edge, name in zip(EDGES, ("Amount", "Units", "Price", "Unit Balance"), strict=True)
    ]
    block = (
        "HDFC Mutual Fund", "Folio No: 1001 / 7 PAN: ABCDE1234F KYC: OK PAN: OK", "Some Body",
        "HDFC50-HDFC Nifty 50 Index Fund - Direct Plan - ISIN: INF179K01WM1 Registrar : CAMS",
        "Opening Unit Balance: 0.000",
    )  # fmt: skip
    words += [(40.0, 680.0 - 12 * n, line) for n, line in enumerate(block)]
    for n, (day, description, *figures) in enumerate(rows):
        height = 610.0 - 12 * n
        words += [(40.0, height, day), (100.0, height, description)]
        words += [right(edge, height, one) for edge, one in zip(EDGES, figures, strict=True) if one]
    low = 600.0 - 12 * len(rows)
    words += [
        (40.0, low, f"Closing Unit Balance: {closing}"),
        (200.0, low, "NAV on 30-May-2025: INR 16.0000"),
        (400.0, low, "Valuation on 30-May-2025: INR 638.00"),
    ]
    return words


def test_a_statement_opens_with_its_password_and_imports_as_its_json() -> None:
    made = read_pdf(locked_pdf(statement(*ROWS), PASSWORD), PASSWORD)
    assert made.warnings == ()
    found = registry.recognise(made.body)
    assert found is not None
    assert found.name == "cas"
    imported = found.read(made.body)
    assert [(e.kind, e.units, e.amount, e.tax, str(e.trade_date)) for e in imported.events()] == [
        ("buy", Decimal("100.250"), Decimal("1014.82"), Decimal("0.05"), "2022-05-10"),
        ("sell", Decimal("60.375"), Decimal("784.88"), Decimal(0), "2023-09-01"),
    ]
    [balance] = imported.statements
    assert (balance.account, balance.units, str(balance.day)) == (
        "1001 / 7",
        Decimal("39.875"),
        "2025-05-31",
    )


def test_nothing_is_kept_that_says_whose_it_is() -> None:
    body = read_pdf(locked_pdf(statement(*ROWS), PASSWORD), PASSWORD).body
    text = body.decode().lower()
    for said in ("somebody", "some body", "some street", "91000", PASSWORD.lower(), "nominee", "kyc"):
        assert said not in text
    assert set(json.loads(body)["folios"][0]) == {"folio", "amc", "schemes"}


def test_a_wrong_password_and_other_files_are_refused_without_naming_the_password() -> None:
    for payload, password, reason in (
        (locked_pdf(statement(*ROWS), PASSWORD), "WRONG9999X", "does not open"),
        (locked_pdf([(40.0, 800.0, "A letter")], PASSWORD), PASSWORD, "Could not identify"),
        (b"no PDF at all", PASSWORD, "not a fund statement"),
    ):
        with pytest.raises(PayloadError, match=reason) as refused:
            read_pdf(payload, password)
        assert password not in str(refused.value)


def test_units_that_do_not_add_up_are_said() -> None:
    made = read_pdf(locked_pdf(statement(*ROWS, closing="45.000"), PASSWORD), PASSWORD)
    assert any("closing unit balance mismatch" in one for one in made.warnings)


def test_the_command_takes_the_password_from_the_environment_or_asks_and_shows_it_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "statement.pdf").write_bytes(locked_pdf(statement(*ROWS), PASSWORD))
    monkeypatch.setenv("FOLIO_STATEMENT_PASSWORD", PASSWORD)
    settings.cache_clear()
    given = CliRunner().invoke(app, ["convert", str(tmp_path / "statement.pdf")])
    monkeypatch.delenv("FOLIO_STATEMENT_PASSWORD")
    settings.cache_clear()
    out = tmp_path / "drop.json"
    asked = CliRunner().invoke(
        app, ["convert", str(tmp_path / "statement.pdf"), "--out", str(out)], input=f"{PASSWORD}\n"
    )
    wrong = CliRunner().invoke(app, ["convert", str(tmp_path / "statement.pdf")], input="nothing\n")
    assert (given.exit_code, asked.exit_code, wrong.exit_code) == (0, 0, 1), (given.output, asked.output)
    assert out.read_bytes() == (tmp_path / "statement.json").read_bytes()
    assert "does not open" in wrong.output
    for said in (given.output, asked.output, wrong.output):
        assert PASSWORD not in said
