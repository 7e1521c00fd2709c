"""A whole night in one process, in the order of the Dags, for where there is no Airflow."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from folio.jobs import (
    advice,
    alerts,
    calendars,
    crypto_prices,
    factor_files,
    gaps,
    gates,
    history,
    ingest,
    lots,
    mail,
    nights,
    orders,
    price_checks,
    publish,
    returns,
    risk,
    share_prices,
    statements,
    transformation,
    wallets,
)


@dataclass(frozen=True)
class Step:
    """One step of a night that was run: its name and how long it took."""

    name: str
    seconds: float


INGESTS = ("fund_navs", "market_prices", "fx_rates", "books")


def run_night(night: str, watch: Callable[[Step], None] = lambda step: None) -> list[Step]:
    """Run every step of a night here and now; returns the steps run, fewer where the night is skipped.

    A night older than the last publication stops after its ingests, one on which nothing can be valued
    before its orders. Whatever a job raises stops the night, and readers keep the last publication.
    """
    steps = []
    for name, call in _steps(night):
        began = time.perf_counter()
        goes_on = call()
        step = Step(name, time.perf_counter() - began)
        steps.append(step)
        watch(step)
        if goes_on is False:
            break
    return steps


def figures(night: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Steps that make the figures of the night that is open: what a rebuild as of an instant makes again."""
    yield "calendars", partial(calendars.keep, night)
    yield "dbt ledger", partial(transformation.run_stage, night, "ledger")
    for batch in nights.account_batches(night):
        yield f"lots {batch}", partial(lots.match, night, batch)
    yield "dbt values", partial(transformation.run_stage, night, "values")
    yield "returns", partial(returns.measure, night)
    yield "risk", partial(risk.measure, night)
    yield "dbt measures", partial(transformation.run_stage, night, "measures")


def ingests(night: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Steps that take in what each source has for a night."""
    for source in INGESTS:
        yield f"ingest {source}", partial(getattr(ingest, source), night)
    for job in (
        share_prices.polygon_facts,
        share_prices.yahoo_bars,
        share_prices.alphavantage_bars,
        crypto_prices.coin_prices,
        crypto_prices.exchange_candles,
        wallets.wallet_balances,
        wallets.exchange_accounts,
        factor_files.factor_files,
    ):
        yield f"ingest {job.__name__}", partial(job, night)


def _steps(night: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield from ingests(night)
    yield "open night", partial(nights.open_night, night)
    yield "history", partial(history.write_night, night)
    yield from figures(night)
    yield "prices compared", partial(price_checks.check_prices, night)
    yield "gaps", partial(gaps.check, night)
    yield "wallets", partial(wallets.compare_with_ledger, night)
    yield "statements", partial(statements.check_statements, night)
    yield "identities", partial(gates.check_identities, night)
    yield "anything valued", partial(gates.can_value, night)
    yield "orders", partial(orders.plan, night)
    yield "recommendations", partial(advice.write, night)
    yield "alerts", partial(alerts.evaluate, night)
    yield "dbt decisions", partial(transformation.run_stage, night, "decisions")
    yield "publish", partial(publish.publish, night)
    yield "mail alerts", partial(mail.send_alerts, night)
    yield "mail reports", partial(mail.send_monthly_reports, night)
