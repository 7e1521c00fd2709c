"""Typed settings, read in this one place from the environment (FOLIO_...) and an optional `.env` file."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
"""The checkout that holds dags/, dbt_project/ and api/."""


class Settings(BaseSettings):
    """Every knob of Folio; each field's description is its line in docs/settings.md and .env.example."""

    model_config = SettingsConfigDict(env_prefix="FOLIO_", env_file=".env", extra="ignore", frozen=True)

    instance: str = Field(
        default="demo",
        pattern=r"^[a-z][a-z0-9_]{0,30}$",
        description="Name of this set of databases and services; one checkout may run several.",
    )
    state: Path = Field(
        default=ROOT / ".folio",
        description="Folder of all that Folio keeps on disk: embedded Postgres, payloads, mail, logs.",
    )
    dsn: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 17+ connection URI of the owner role; empty: the embedded server.",
    )
    airflow_dsn: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URI of Airflow's own database; empty: a database beside Folio's.",
    )
    influx_url: str | None = Field(
        default=None, description="InfluxDB base URL; empty: history is served from Postgres."
    )
    influx_token: SecretStr | None = Field(default=None, description="InfluxDB token.")
    influx_org: str = Field(default="folio", description="InfluxDB organisation that owns the bucket.")
    influx_bucket: str = Field(
        default="folio",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$",
        description="InfluxDB bucket of price history; made where it is absent.",
    )

    recorded: bool = Field(
        default=False,
        description="Providers are a sandbox: observed_at is the time its answer says it was recorded at.",
    )
    amfi_url: str = Field(default="https://www.amfiindia.com", description="Base URL of AMFI's NAV files.")
    polygon_url: str = Field(default="https://api.polygon.io", description="Base URL of Polygon (Massive).")
    polygon_key: SecretStr | None = Field(
        default=None, description="Polygon API key; without one the source is off."
    )
    polygon_requests_per_minute: int = Field(
        default=5,
        ge=0,
        description="Questions a minute that the Polygon plan allows, by default the free; 0: any number.",
    )
    ecb_url: str = Field(
        default="https://www.ecb.europa.eu", description="Base URL of the ECB's euro reference rates."
    )
    mfapi_url: str = Field(
        default="https://api.mfapi.in", description="Base URL of mfapi.in's NAV histories of Indian funds."
    )
    yahoo_url: str = Field(
        default="https://query1.finance.yahoo.com",
        description="Base URL of Yahoo's charts; asked only for instruments with a Yahoo alias.",
    )
    alphavantage_url: str = Field(
        default="https://www.alphavantage.co", description="Base URL of Alpha Vantage."
    )
    alphavantage_key: SecretStr | None = Field(
        default=None, description="Alpha Vantage API key; without one the source is off."
    )
    coingecko_url: str = Field(
        default="https://api.coingecko.com",
        description="Base URL of CoinGecko; asked only for instruments with a coin id.",
    )
    coingecko_key: SecretStr | None = Field(
        default=None, description="CoinGecko demo key; empty: the public rate limit."
    )
    kraken_url: str = Field(
        default="https://api.kraken.com",
        description="Base URL of Kraken; asked only for instruments with a Kraken pair.",
    )
    kraken_key: SecretStr | None = Field(
        default=None,
        description="Read-only Kraken API key; without one no balances and trades are asked for.",
    )
    kraken_secret: SecretStr | None = Field(default=None, description="Secret of that key.")
    binance_url: str = Field(
        default="https://api.binance.com",
        description="Base URL of Binance; asked only for instruments with a Binance pair.",
    )
    binance_key: SecretStr | None = Field(
        default=None,
        description="Read-only Binance API key; without one no balances and trades are asked for.",
    )
    binance_secret: SecretStr | None = Field(default=None, description="Secret of that key.")
    coinbase_url: str = Field(
        default="https://api.exchange.coinbase.com",
        description="Base URL of Coinbase's exchange; asked only for instruments with a Coinbase pair.",
    )
    coinbase_accounts_url: str = Field(
        default="https://api.coinbase.com", description="Base URL of Coinbase's accounts (Advanced Trade)."
    )
    coinbase_key: SecretStr | None = Field(
        default=None,
        description="Read-only Coinbase API key; without one no balances and trades are asked for.",
    )
    coinbase_secret: SecretStr | None = Field(default=None, description="Secret of that key.")
    ethereum_url: str | None = Field(
        default=None, description="Ethereum JSON-RPC endpoint for wallet balances; empty: the source is off."
    )
    esplora_url: str = Field(
        default="https://blockstream.info",
        description="Base URL of an Esplora server for Bitcoin balances of the wallets in the books.",
    )
    intraday_instruments: str = Field(
        default="",
        description="Codes of instruments, with commas, whose minute prices are taken in; empty: none.",
    )
    intraday_minutes: int = Field(
        default=15, ge=1, le=60, description="Minutes between two times that they are asked for."
    )
    drop_folder: Path | None = Field(
        default=None,
        description="Folder in which book files arrive; empty: drop/<instance> under the state folder.",
    )
    statement_password: SecretStr | None = Field(
        default=None,
        description="Password of the fund statements (PDF) that `folio books convert` reads; empty: it asks.",
    )
    http_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Time allowed for one provider answer."
    )
    http_attempts: int = Field(
        default=4, ge=1, description="Attempts at one provider request before the load fails."
    )
    http_backoff_seconds: float = Field(
        default=1.0, ge=0, description="First pause between attempts; doubles, with jitter."
    )
    http_longest_wait_seconds: float = Field(
        default=300.0,
        gt=0,
        description="Longest wait for a turn under a provider's rate limit; beyond it the load fails.",
    )
    max_payload_bytes: int = Field(
        default=200_000_000, gt=0, description="A larger provider answer is refused."
    )

    reporting_currency: str = Field(
        default="EUR", pattern=r"^[A-Z]{3}$", description="Currency of figures across portfolios."
    )
    llm_url: str | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible endpoint; empty: the deterministic writer.",
    )
    llm_key: SecretStr | None = Field(default=None, description="Key of that endpoint.")
    llm_model: str = Field(default="gpt-4o-mini", description="Model asked for recommendations.")

    smtp_host: str = Field(default="127.0.0.1", description="SMTP server for alerts and reports.")
    smtp_port: int = Field(default=1025, description="Its port.")
    smtp_user: str | None = Field(default=None, description="SMTP user; empty: no login.")
    smtp_password: SecretStr | None = Field(default=None, description="SMTP password.")
    smtp_starttls: bool = Field(
        default=False, description="Ask for TLS before the login; set it for any server but a local catcher."
    )
    mail_from: str = Field(default="folio@localhost", description="Sender of every mail.")

    night_schedule: str | None = Field(
        default=None,
        description="Cron expression, in UTC, at which a night starts by itself, such as `0 3 * * *`; "
        "empty: nights are started by hand.",
    )
    airflow_url: str = Field(
        default="http://127.0.0.1:8080", description="Where the Airflow UI and REST API answer."
    )
    api_url: str = Field(default="http://127.0.0.1:8000", description="Where Folio's read-only API answers.")
    api_dsn: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URI the API reads by; empty: folio_api, its password made from the owner's.",
    )
    audit_dsn: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URI the API records requests by; empty: folio_audit, likewise.",
    )
    api_pool_size: int = Field(
        default=8, ge=1, description="Connections the API keeps to Postgres, per worker."
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")

    @property
    def intraday(self) -> tuple[str, ...]:
        """Codes of the instruments whose minute prices are taken in by day."""
        return tuple(code for part in self.intraday_instruments.split(",") if (code := part.strip()))

    @property
    def payload_folder(self) -> Path:
        """Content-addressed store of everything fetched."""
        return self.state / "payloads" / self.instance

    @property
    def quality_folder(self) -> Path:
        """Results of Great Expectations and the pages built of them."""
        return self.state / "quality" / self.instance

    @property
    def drop(self) -> Path:
        """Folder in which book files arrive."""
        return self.drop_folder or self.state / "drop" / self.instance

    @property
    def mail_folder(self) -> Path:
        """Where the local mail catcher keeps `.eml` files."""
        return self.state / "mail" / self.instance


@cache
def settings() -> Settings:
    """Settings of this process; read once. Tests clear them with `settings.cache_clear()`."""
    return Settings()
