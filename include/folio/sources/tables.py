"""The tables of versions in schema raw: what tells rows apart, and what a version says."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class RawTable:
    """A table of versions in schema raw: what tells rows apart and what a version says.

    `assumed_from` is SQL over the key columns (alias `b`): the instant from which a row of history without
    a record of its first appearance is taken to have been known.
    """

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    assumed_from: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Key and value columns, in the order in which rows give them."""
        return self.key + self.values


TABLES: Mapping[str, RawTable] = MappingProxyType(
    {
        table.name: table
        for table in (
            RawTable(
                "amfi_navs",
                ("nav_date", "scheme_code"),
                ("nav",),
                assumed_from="((b.nav_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "amfi_schemes",
                ("scheme_code",),
                (
                    "isin_payout_or_growth",
                    "isin_reinvestment",
                    "scheme_name",
                    "plan",
                    "option",
                    "category",
                    "fund_house",
                ),
            ),
            RawTable(
                "polygon_daily_bars",
                ("session_date", "ticker"),
                ("open", "high", "low", "close", "volume"),
                assumed_from="((b.session_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "polygon_minute_bars",
                ("opened_at", "ticker"),
                ("open", "high", "low", "close", "volume"),
            ),
            RawTable("polygon_splits", ("ticker", "execution_date"), ("split_from", "split_to")),
            RawTable(
                "polygon_dividends",
                ("ticker", "ex_dividend_date", "dividend_type"),
                ("cash_amount", "currency", "declaration_date", "record_date", "pay_date", "frequency"),
            ),
            RawTable(
                "polygon_tickers",
                ("ticker", "composite_figi"),
                (
                    "name",
                    "market",
                    "locale",
                    "primary_exchange",
                    "type",
                    "active",
                    "currency_name",
                    "cik",
                    "share_class_figi",
                    "delisted_on",
                ),
            ),
            RawTable(
                "polygon_ticker_details",
                ("ticker",),
                (
                    "name",
                    "market",
                    "locale",
                    "primary_exchange",
                    "type",
                    "active",
                    "currency_name",
                    "cik",
                    "composite_figi",
                    "share_class_figi",
                    "sic_code",
                    "sic_description",
                    "list_date",
                    "delisted_on",
                    "weighted_shares_outstanding",
                ),
            ),
            RawTable(
                "yahoo_daily_bars",
                ("session_date", "symbol"),
                ("open", "high", "low", "close", "adjusted_close", "volume", "currency"),
                assumed_from="((b.session_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "yahoo_price_repairs",
                ("session_date", "symbol"),
                ("price_factor", "reason"),
                assumed_from="((b.session_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable("yahoo_dividends", ("symbol", "ex_date"), ("amount", "currency")),
            RawTable("yahoo_splits", ("symbol", "split_date"), ("numerator", "denominator")),
            RawTable(
                "alphavantage_daily_bars",
                ("session_date", "symbol"),
                ("open", "high", "low", "close", "volume"),
                assumed_from="((b.session_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "file_daily_bars",
                ("session_date", "collection", "ticker"),
                ("open", "high", "low", "close", "volume"),
                assumed_from="((b.session_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "ecb_fx_rates",
                ("rate_date", "currency_code"),
                ("units_per_eur",),
                assumed_from="(b.rate_date + time '15:00') at time zone 'UTC'",
            ),
            RawTable(
                "coingecko_daily_prices",
                ("price_date", "coin_id", "quote_currency"),
                ("price", "market_cap", "volume"),
                assumed_from="((b.price_date + 1) + time '00:10') at time zone 'UTC'",
            ),
            RawTable("coingecko_current_prices", ("coin_id", "quote_currency"), ("price",)),
            RawTable(
                "coingecko_coins", ("coin_id", "chain"), ("symbol", "name", "contract_address", "decimals")
            ),
            RawTable(
                "exchange_candles",
                ("opened_at", "exchange", "pair", "timeframe"),
                ("open", "high", "low", "close", "volume"),
                assumed_from="b.opened_at + replace(b.timeframe, 'm', ' minute')::interval",
            ),
            RawTable(
                "exchange_balances", ("balance_date", "exchange", "currency"), ("free", "used", "total")
            ),
            RawTable(
                "exchange_trades",
                ("exchange", "pair", "trade_key"),
                ("side", "traded_at", "units", "price", "amount", "fee", "fee_currency"),
            ),
            RawTable(
                "wallet_balances",
                ("balance_date", "chain", "address", "asset"),
                ("balance", "block_number"),
            ),
            RawTable(
                "factor_returns",
                ("period_end", "factor_set", "frequency", "factor"),
                ("factor_return",),
                assumed_from="((b.period_end + 45) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "risk_free_rates",
                ("rate_date", "currency", "series", "tenor_months"),
                ("annual_rate",),
                assumed_from="((b.rate_date + 1) + time '03:00') at time zone 'UTC'",
            ),
            RawTable(
                "book_investors",
                ("investor_key",),
                ("household_key", "tax_unit_key", "name", "email", "residency", "risk_profile"),
            ),
            RawTable(
                "book_portfolios",
                ("portfolio_key",),
                ("investor_key", "name", "currency", "var_limit", "drift_band"),
            ),
            RawTable(
                "book_accounts",
                ("account_key",),
                (
                    "portfolio_key",
                    "name",
                    "kind",
                    "currency",
                    "tax_regime",
                    "lot_method",
                    "cash_model",
                    "flow_timing",
                    "opened_on",
                ),
            ),
            RawTable(
                "book_account_owners", ("account_key", "investor_key", "valid_from"), ("valid_to", "share")
            ),
            RawTable(
                "book_instruments",
                ("instrument_key",),
                ("kind", "name", "currency", "asset_class", "sector", "region", "whole_units"),
            ),
            RawTable(
                "book_instrument_aliases",
                ("scheme", "alias", "valid_from"),
                ("valid_to", "instrument_key", "is_spam"),
            ),
            RawTable(
                "book_instrument_successors",
                ("instrument_key", "kind", "effective_date"),
                ("successor_key", "ratio", "cash", "cost_share"),
            ),
            RawTable("book_corporate_actions", ("instrument_key", "kind", "ex_date"), ("ratio", "amount")),
            RawTable("book_price_preferences", ("instrument_key", "valid_from"), ("price_sources",)),
            RawTable(
                "book_fund_terms",
                ("instrument_key", "valid_from"),
                ("expense_ratio", "riskometer", "benchmark_key"),
            ),
            RawTable("book_exit_loads", ("instrument_key", "valid_from", "held_days_below"), ("exit_load",)),
            RawTable(
                "book_fund_constituents",
                ("instrument_key", "valid_from", "constituent_code"),
                ("constituent_name", "sector", "weight"),
            ),
            RawTable(
                "book_bond_terms",
                ("instrument_key",),
                ("coupon_rate", "coupons_per_year", "day_count", "issued_on", "matures_on", "face_value"),
            ),
            RawTable(
                "book_benchmarks", ("portfolio_key", "benchmark_key", "valid_from"), ("benchmark_weight",)
            ),
            RawTable("book_wallet_addresses", ("chain", "address"), ("account_key",)),
            RawTable(
                "book_statements",
                ("account_key", "instrument_key", "statement_date"),
                ("units", "opening_units", "own_units", "gap_date", "first_line", "last_line"),
            ),
            RawTable("book_strategies", ("strategy_key",), ("name", "portfolio_key")),
            RawTable("book_targets", ("portfolio_key", "instrument_key", "valid_from"), ("weight",)),
            RawTable(
                "book_transactions",
                ("transaction_key",),
                (
                    "transaction_id",
                    "account_key",
                    "external_id",
                    "kind",
                    "trade_date",
                    "settlement_date",
                    "occurred_at",
                    "nav_date",
                    "instrument_key",
                    "units",
                    "price",
                    "amount",
                    "currency",
                    "fee",
                    "tax",
                    "fx_rate",
                    "pair_key",
                    "reverses",
                    "lot",
                    "status",
                ),
            ),
        )
    }
)
