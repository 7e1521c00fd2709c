"""How often a provider may be asked: by its manners, or by the plan that the settings name."""

import pytest

from folio.settings import Settings
from folio.sources.providers import PROVIDERS


def test_polygon_is_asked_as_often_as_its_plan_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOLIO_POLYGON_REQUESTS_PER_MINUTE", raising=False)
    assert PROVIDERS["polygon"].rate(Settings(_env_file=None)) == 5
    monkeypatch.setenv("FOLIO_POLYGON_REQUESTS_PER_MINUTE", "100")
    assert PROVIDERS["polygon"].rate(Settings(_env_file=None)) == 100


def test_a_provider_of_one_plan_has_its_own_rate() -> None:
    current = Settings(_env_file=None)
    assert PROVIDERS["alphavantage"].rate(current) == 5
    assert PROVIDERS["amfi"].rate(current) is None
