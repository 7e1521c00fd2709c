"""mfapi.in: whole NAV histories under AMFI's codes, with AMFI's own oddities."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from folio.errors import PayloadError
from folio.settings import Settings
from folio.sources.connectors import mfapi
from folio.sources.landing import Load
from folio.sources.sandbox import Sandbox
from folio.sources.session import ProviderSession, UnusableAnswerError


def history(*entries: dict[str, str], code: int | None = 118955, status: str = "SUCCESS") -> bytes:
    return json.dumps({"meta": {"scheme_code": code}, "data": list(entries), "status": status}).encode()


def test_navs_are_read_and_what_is_none_is_rejected(load_at: Callable[..., Load]) -> None:
    body = history(
        {"date": "27-08-2020", "nav": "2297.09000"},
        {"date": "26-08-2020", "nav": "0.00000"},
        {"date": "2020-08-25", "nav": "1"},
        {"date": "27-08-2031", "nav": "1"},
    )
    batch = mfapi.parse_history(body, load_at(2020, 9, 1, slot="118955 2020-09"))
    assert list(batch.rows) == [(date(2020, 8, 27), 118955, "2297.09000", 1)]  # type: ignore[arg-type]
    assert [(one.line, one.reason) for one in batch.rejected] == [
        (2, "NAV is zero: '0.00000'"),
        (3, "date cannot be read: '2020-08-25'"),
        (4, "date 2031-08-27 lies ahead: the last date possible was 2020-09-08"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (history(code=1), "answered about scheme 1, not about 118955"),
        (history(code=None), "answered about scheme None"),
        (history(status="FAIL"), "not a NAV history"),
        (b"[]", "a list where an object is wanted"),
    ],
)
def test_what_is_no_history_of_the_scheme_is_refused(
    body: bytes, reason: str, load_at: Callable[..., Load]
) -> None:
    with pytest.raises(PayloadError, match=reason):
        mfapi.parse_history(body, load_at(2020, 9, 1, slot="118955 2020-09"))


def test_a_scheme_is_asked_for_by_its_code(demo_folder: Path, quick: Settings, load_at: Any) -> None:
    with Sandbox(demo_folder) as sandbox, ProviderSession("mfapi", sandbox.url, quick) as http:
        payload = mfapi.Mfapi(http).fetch_history(900001)
        batch = mfapi.parse_history(payload.body, load_at(2013, 3, 1, slot="900001 2013-03"))
        assert list(batch.rows) == [  # type: ignore[arg-type]
            (date(2013, 2, 27), 900001, "101.5", 1),
            (date(2013, 2, 26), 900001, "101.2500", 2),
        ]
        with pytest.raises(UnusableAnswerError, match=r"HTTP 200, but mfapi\.in answered about scheme None"):
            mfapi.Mfapi(http).fetch_history(1)
