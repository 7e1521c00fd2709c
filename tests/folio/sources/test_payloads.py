"""The payload store keeps bytes once, whole, and notices damage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folio.errors import PayloadError
from folio.sources import payloads


@given(st.binary(max_size=2000))
def test_bytes_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    folder = tmp_path_factory.mktemp("payloads")
    assert payloads.read(folder, payloads.store(folder, body)) == body


def test_the_same_bytes_are_kept_once_and_no_half_file_stays(tmp_path: Path) -> None:
    first = payloads.store(tmp_path, b"navs")
    written = payloads.path_of(tmp_path, first).stat().st_mtime_ns
    assert payloads.store(tmp_path, b"navs") == first
    assert payloads.path_of(tmp_path, first).stat().st_mtime_ns == written
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{first}.gz"]


def test_a_missing_a_cut_and_an_exchanged_payload_are_told_apart(tmp_path: Path) -> None:
    sha256, other = payloads.store(tmp_path, b"navs" * 100), payloads.store(tmp_path, b"other")
    path = payloads.path_of(tmp_path, sha256)
    with pytest.raises(PayloadError, match="not in the store"):
        payloads.read(tmp_path, "0" * 64)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(PayloadError, match="cannot be read"):
        payloads.read(tmp_path, sha256)
    path.write_bytes(payloads.path_of(tmp_path, other).read_bytes())
    with pytest.raises(PayloadError, match="damaged"):
        payloads.read(tmp_path, sha256)
