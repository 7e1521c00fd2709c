"""Moves of money and coins as exchanges tell them, told apart into Folio's kinds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from folio.books.importers.cells import is_money
from folio.books.importers.events import NOTHING, Event, of_kind


@dataclass(frozen=True)
class Quantity:
    """So much, never negative, of a currency or a coin."""

    size: Decimal
    code: str

    @property
    def is_money(self) -> bool:
        """Whether it is money and not a coin."""
        return is_money(self.code)


def coin(code: str) -> str:
    """Name of a coin: its contract where the source gives one, else its symbol."""
    chain, _, token = code.partition("/")
    if chain == "eip155:1" and token.startswith("erc20:"):
        return f"contract:ethereum:{token.removeprefix('erc20:')}"
    return f"coin:{code}"


def came_in(what: Quantity, event: Event) -> Event:
    """Money or coins brought to the account."""
    if what.is_money:
        return replace(event, kind="deposit", amount=what.size, currency=what.code)
    return replace(event, kind="transfer_in", instrument=coin(what.code), units=what.size, amount=None)


def went_out(what: Quantity, event: Event) -> Event:
    """Money or coins taken from the account."""
    if what.is_money:
        return replace(event, kind="withdrawal", amount=what.size, currency=what.code)
    return replace(event, kind="transfer_out", instrument=coin(what.code), units=what.size, amount=None)


def was_given(
    what: Quantity, event: Event, kind: str = "staking_reward", value: Quantity | None = None
) -> Event:
    """Interest, a reward or a gift: in coins a staking reward or an airdrop, in money interest.

    `value` is what the coins were worth, where the source says.
    """
    if what.is_money:
        return replace(event, kind="interest", amount=what.size, currency=what.code)
    given = replace(event, kind=kind, instrument=coin(what.code), units=what.size)
    return replace(given, amount=value.size, currency=value.code) if value and value.size else given


def charged(what: Quantity, event: Event) -> Event:
    """A fee of its own: in money a fee, in coins units that leave."""
    named = replace(event, source_id=event.source_id and f"{event.source_id} fee", pair_key=None)
    if what.is_money:
        return of_kind("fee", what.size, replace(named, instrument=None, currency=what.code))
    return replace(named, kind="network_fee", instrument=coin(what.code), units=what.size, amount=None)


def exchanged(
    paid: Quantity, got: Quantity, event: Event, fee: Quantity | None = None, value: Quantity | None = None
) -> Iterator[Event]:
    """One thing given for another: a purchase, a sale, a change of money, or a swap of two coins.

    Parameters
    ----------
    event : what both legs share: days, instant, id of the source.
    fee : charged on top, in whatever it was taken.
    value : what a swap of coins was worth, where the source says; else its price of the day decides.
    """
    of_trade = NOTHING
    trade_currency = paid.code if paid.is_money else got.code
    if fee is not None and fee.size and fee.code == trade_currency and paid.is_money != got.is_money:
        of_trade, fee = fee.size, None
    if paid.is_money and got.is_money:
        pair = event.source_id or f"{event.occurred_at or event.trade_date} {paid.code} {got.code}"
        yield replace(
            _leg(event, "out"), kind="withdrawal", amount=paid.size, currency=paid.code, pair_key=pair
        )
        yield replace(_leg(event, "in"), kind="deposit", amount=got.size, currency=got.code, pair_key=pair)
    elif paid.is_money:
        yield replace(
            event, kind="buy", instrument=coin(got.code), units=got.size, amount=paid.size,
            currency=paid.code, fee=of_trade,
        )  # fmt: skip
    elif got.is_money:
        yield replace(
            event, kind="sell", instrument=coin(paid.code), units=paid.size, amount=got.size,
            currency=got.code, fee=of_trade,
        )  # fmt: skip
    else:
        pair = event.source_id or f"{event.occurred_at or event.trade_date} {paid.code} {got.code}"
        worth = {"amount": value.size, "currency": value.code} if value else {"amount": None}
        yield replace(
            _leg(event, "out"), kind="swap_out", instrument=coin(paid.code), units=paid.size,
            pair_key=pair, **worth,  # type: ignore[arg-type]
        )  # fmt: skip
        yield replace(
            _leg(event, "in"), kind="swap_in", instrument=coin(got.code), units=got.size,
            pair_key=pair, **worth,  # type: ignore[arg-type]
        )  # fmt: skip
    if fee is not None and fee.size:
        yield charged(fee, event)


def _leg(event: Event, name: str) -> Event:
    """The event as one of two legs, each with an id of its own."""
    return replace(event, source_id=event.source_id and f"{event.source_id} {name}")
