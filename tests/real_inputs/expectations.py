"""What a real input is expected to give: values through the reader it belongs to, or a refusal and why.

Each `test_*_files.py` beside this module has a dict `EXPECTED` from the path of a file below the folder of
real inputs to an expectation: a function of the file that asserts. `test_every_file_has_an_expectation.py`
holds their union against the folders.
"""

import gzip
import importlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from folio.errors import FolioError

FOLDERS = ("api", "amfi", "prices", "fx", "factors", "crypto", "transactions")
"""Folders of real inputs of which every file has an expectation."""

Expectation: TypeAlias = Callable[[Path], None]
"""Reads the file through the product and asserts what comes of it."""


def body_of(path: Path) -> bytes:
    """Bytes of a file, unpacked where it is gzipped for keeping."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def json_of(path: Path) -> Any:
    """Value of a JSON file."""
    return json.loads(body_of(path))


def files_below(shared: Path) -> list[str]:
    """Every file of the folders, as a path below the folder of real inputs."""
    data = shared / "data"
    return sorted(
        path.relative_to(data).as_posix()
        for folder in FOLDERS
        for path in (data / folder).rglob("*")
        if path.is_file()
    )


def all_expected() -> dict[str, Expectation]:
    """Expectations of all modules beside this one; AssertionError where two modules name one file."""
    found: dict[str, Expectation] = {}
    for module in sorted(Path(__file__).parent.glob("test_*_files.py")):
        expected = importlib.import_module(f"tests.real_inputs.{module.stem}").EXPECTED
        twice = found.keys() & expected.keys()
        assert not twice, f"{module.stem} repeats {sorted(twice)}"
        found.update(expected)
    return found


def refused(read: Callable[[Path], object], reason: str) -> Expectation:
    """Expect that reading the file raises an error of Folio that says `reason` (plain text, a part of it)."""

    def check(path: Path) -> None:
        with pytest.raises(FolioError, match=re.escape(reason)):
            read(path)

    return check


def each_refused(
    read: Callable[[bytes], object], reasons: Mapping[str, str] | Iterable[tuple[str, str]]
) -> Expectation:
    """Expect of a JSON object of named error bodies that each is refused with the reason of its name."""
    wanted = dict(reasons)

    def check(path: Path) -> None:
        bodies = json_of(path)
        assert bodies.keys() == wanted.keys()
        for name, reason in wanted.items():
            said = bodies[name]
            body = said if isinstance(said, str) else json.dumps(said)
            with pytest.raises(FolioError, match=re.escape(reason)):
                read(body.encode())

    return check


def no_connector_reads(provider: str, dataset: str = "any") -> Expectation:
    """Expect that Folio has no reader for a provider, or for a dataset of one it knows, and says so."""

    def check(path: Path) -> None:
        from folio.jobs.ingest import parser_of

        with pytest.raises(FolioError, match=f"no connector reads {re.escape(provider)}/"):
            parser_of(provider, dataset)

    return check
