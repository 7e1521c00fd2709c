"""No real input goes unread: a file without an expectation fails, as does an expectation without a file."""

from pathlib import Path

import pytest

from tests.real_inputs.expectations import all_expected, files_below

pytestmark = pytest.mark.shared_data


def test_every_real_input_has_an_expectation(shared: Path) -> None:
    unread = [name for name in files_below(shared) if name not in all_expected()]
    assert not unread, "say in tests/real_inputs what these give: " + ", ".join(unread)


def test_every_expectation_has_its_file(shared: Path) -> None:
    gone = sorted(all_expected().keys() - set(files_below(shared)))
    assert not gone
