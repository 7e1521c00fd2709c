"""Published cases beside the repository, for the tests that compare against them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def published_cases(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Cases of one file under the real inputs' `cases`, such as `pyxirr/xirr`."""

    def cases(name: str) -> list[dict[str, Any]]:
        found = json.loads((shared / "cases" / f"{name}.json").read_text())["cases"]
        assert found, f"{name} holds no case"
        return list(found)

    return cases
