"""Real inputs of funds, equities and their prices, each read through the product to checked values."""

from pathlib import Path

import pytest

from tests.real_inputs.expectations import Expectation, no_connector_reads

pytestmark = pytest.mark.shared_data

EXPECTED: dict[str, Expectation] = {
    "api/bankofcanada/pricehist__all-partial.json": no_connector_reads("bankofcanada"),
    "api/bankofcanada/pricehist__recent.json": no_connector_reads("bankofcanada"),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_input_gives_what_is_expected(name: str, shared: Path) -> None:
    EXPECTED[name](shared / "data" / name)
