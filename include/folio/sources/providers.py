"""The providers Folio can ask, each with the settings that switch it on and how often it may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import SecretStr

from folio.settings import Settings


@dataclass(frozen=True)
class Provider:
    """One provider.

    `url_setting` and `key_setting` name fields of the settings; a provider without its URL, or without a
    key it needs, is off. `key_in` says how the key travels: as a bearer token, as the header named, or as
    the query parameter named (`query:apikey`).
    `requests_per_minute` is what the free plan or the provider's manners allow, None where no limit is known;
    where plans differ, `rate_setting` names the field of the settings that says it.
    """

    name: str
    url_setting: str
    key_setting: str | None = None
    is_key_needed: bool = True
    key_in: Literal["bearer"] | str = "bearer"
    requests_per_minute: int | None = None
    rate_setting: str | None = None

    def rate(self, settings: Settings) -> int | None:
        """Questions a minute that it may be asked; None where there is no limit."""
        return getattr(settings, self.rate_setting) if self.rate_setting else self.requests_per_minute

    def base_url(self, settings: Settings) -> str | None:
        """Where it answers, from the settings."""
        return getattr(settings, self.url_setting) or None

    def key(self, settings: Settings) -> SecretStr | None:
        """Its key, from the settings."""
        return getattr(settings, self.key_setting) if self.key_setting else None

    def missing(self, settings: Settings) -> str | None:
        """The setting without which it is off; None when it is on."""
        if not self.base_url(settings):
            return f"FOLIO_{self.url_setting.upper()}"
        if self.key_setting and self.is_key_needed and self.key(settings) is None:
            return f"FOLIO_{self.key_setting.upper()}"
        return None


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider("amfi", "amfi_url"),
            Provider("mfapi", "mfapi_url", requests_per_minute=60),
            Provider("polygon", "polygon_url", "polygon_key", rate_setting="polygon_requests_per_minute"),
            Provider("yahoo", "yahoo_url", requests_per_minute=60),
            Provider(
                "alphavantage",
                "alphavantage_url",
                "alphavantage_key",
                key_in="query:apikey",
                requests_per_minute=5,
            ),
            Provider(
                "coingecko",
                "coingecko_url",
                "coingecko_key",
                is_key_needed=False,
                key_in="x-cg-demo-api-key",
                requests_per_minute=25,
            ),
            Provider("kraken", "kraken_url", requests_per_minute=60),
            Provider("binance", "binance_url", requests_per_minute=300),
            Provider("coinbase", "coinbase_url", requests_per_minute=180),
            Provider("coinbase_accounts", "coinbase_accounts_url", requests_per_minute=180),
            Provider("ethereum", "ethereum_url"),
            Provider("esplora", "esplora_url", requests_per_minute=60),
            Provider("ecb", "ecb_url"),
        )
    }
)
