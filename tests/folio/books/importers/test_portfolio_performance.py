"""Portfolio Performance's CSV in English and German."""

from decimal import Decimal

import pytest

from folio.books.importers import registry
from folio.books.importers.events import Imported

ENGLISH = (
    "Date,Type,Value,Transaction Currency,Gross Amount,Currency Gross Amount,Exchange Rate,Fees,Taxes,Shares,"
    "ISIN,WKN,Ticker Symbol,Security Name,Note\n"
)
GERMAN = (
    "Datum;Typ;Wert;Buchungswährung;Bruttobetrag;Währung Bruttobetrag;Wechselkurs;Gebühren;Steuern;Stück;"
    "ISIN;WKN;Ticker-Symbol;Wertpapiername;Notiz\n"
)


def imported(header: str, *lines: str) -> Imported:
    payload = (header + "\n".join(lines) + "\n").encode()
    found = registry.recognise(payload)
    assert found is not None
    return found.read(payload)


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        (
            ENGLISH,
            (
                '2024-01-02T00:00,Buy,"1,005.00",EUR,,,,5.00,0.00,10,DE0007164600,,SAP.DE,SAP SE,',
                "2024-02-01T00:00,Dividend,18.00,EUR,,,,0.00,2.00,10,DE0007164600,,SAP.DE,SAP SE,",
                "2024-03-01T00:00,Sell,490.00,EUR,,,,5.00,5.00,5,DE0007164600,,SAP.DE,SAP SE,",
                "2024-03-02T00:00,Tax Refund,3.00,EUR,,,,0.00,0.00,,,,,,",
            ),
        ),
        (
            GERMAN,
            (
                "02.01.2024;Kauf;1.005,00;EUR;;;;5,00;0,00;10;DE0007164600;;SAP.DE;SAP SE;",
                "01.02.2024;Dividende;18,00;EUR;;;;0,00;2,00;10;DE0007164600;;SAP.DE;SAP SE;",
                "01.03.2024;Verkauf;490,00;EUR;;;;5,00;5,00;5;DE0007164600;;SAP.DE;SAP SE;",
                "02.03.2024;Steuerrückerstattung;3,00;EUR;;;;0,00;0,00;;;;;;",
            ),
        ),
    ],
)
def test_costs_are_taken_out_of_values_in_both_languages(header: str, lines: tuple[str, ...]) -> None:
    made = imported(header, *lines)
    assert not made.refused
    assert [(e.kind, e.reverses, e.amount, e.fee, e.tax) for e in made.events()] == [
        ("buy", None, 1000, 5, 0),
        ("dividend", None, 20, 0, 2),
        ("sell", None, 500, 5, 5),
        ("reversal", "tax", 3, 0, 0),
    ]
    assert made.closing_units() == {"isin:DE0007164600": Decimal(5)}


def test_a_move_between_accounts_is_refused_and_the_rest_is_booked() -> None:
    made = imported(
        ENGLISH,
        "2024-01-02T00:00,Deposit,100.00,EUR,,,,0.00,0.00,,,,,,",
        "2024-01-03T00:00,Transfer (Outbound),50.00,EUR,,,,0.00,0.00,,,,,,",
    )
    assert [e.kind for e in made.events()] == ["deposit"]
    [refused] = made.refused
    assert (refused.line, "between two accounts" in refused.reason) == (3, True)
