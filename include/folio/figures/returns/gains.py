"""Gains of one instrument over a period, lot by lot: realised and unrealised, each with its currency part."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from folio.errors import LedgerError
from folio.figures.ledger import EFFECTS, ONE, ZERO, Booking, Market
from folio.figures.lots.events import EXACT, MONEY, EventKind, Lot, LotEvent, Method
from folio.figures.lots.matching import match_lots

UNSIGNED: dict[str, EventKind] = {"split": "split", "return_of_capital": "return_of_capital"}
"""Kinds that change lots without moving units in or out; income and fees change none."""


@dataclass(frozen=True)
class PeriodGains:
    """Gains in the account's currency, without fees and taxes; the currency parts are within them.

    `realised` is proceeds less cost of what was sold in the period, `unrealised` value less cost of what is
    held at its end. What was held at the start costs its value then. The currency part is the cost in the
    instrument's own currency at the change of its rate since.
    """

    realised: Decimal
    realised_currency: Decimal
    unrealised: Decimal
    unrealised_currency: Decimal


def period_gains(
    bookings: Iterable[Booking],
    market: Market,
    instrument: str,
    currency: str,
    start: date,
    end: date,
    method: Method = "fifo",
) -> PeriodGains:
    """Gains from the close of `start` to that of `end`, in `currency`.

    Raises
    ------
    LedgerError
        A price or rate is missing that values what is held, or a booking's currency has no rate.
    LotError
        More is sold than held.
    """
    local_currency = market.currencies.get(instrument, currency)
    own = [
        each
        for each in bookings
        if each.instrument == instrument
        and each.booked_on <= end
        and (EFFECTS[each.kind].units_sign or each.kind in UNSIGNED)
    ]
    with localcontext(EXACT):
        in_account = [_event(n, each, market, currency) for n, each in enumerate(own)]
        in_local = [_event(n, each, market, local_currency) for n, each in enumerate(own)]
        at_start = _quote(market, instrument, currency, start) if _holds(in_account, start) else None
        account_history = match_lots(_from(start, in_account, at_start, method), method)
        local_price = (at_start[0], ONE) if at_start else None
        local_history = match_lots(_from(start, in_local, local_price, method), method)

        realised = realised_currency = unrealised = unrealised_currency = ZERO
        for sale, local_sale in zip(account_history.matches, local_history.matches, strict=True):
            realised += sale.proceeds - sale.price_cost
            if local_sale.proceeds:
                now = local_sale.price_cost * sale.proceeds / local_sale.proceeds
                realised_currency += now - sale.price_cost
        held = account_history.open_lots
        if held:
            price, rate = _quote(market, instrument, currency, end)
            for lot, local_lot in zip(held, local_history.open_lots, strict=True):
                unrealised += lot.units_open * price * rate - lot.price_cost_open
                unrealised_currency += local_lot.price_cost_open * rate - lot.price_cost_open
    return PeriodGains(realised, realised_currency, unrealised, unrealised_currency)


def _event(number: int, booking: Booking, market: Market, currency: str) -> LotEvent:
    """The booking by its effect on lots, money in the given currency."""
    effect = EFFECTS[booking.kind]
    booked_in = booking.currency or currency
    rate = ONE if booked_in == currency else booking.fx_rate
    rate = rate or market.rate(booked_in, currency, booking.booked_on)
    if rate is None:
        raise LedgerError(f"{booking.kind} of {booking.booked_on} has no rate from {booked_in} to {currency}")
    kind = UNSIGNED.get(booking.kind, "open" if effect.units_sign > 0 else "close")
    amount = (ZERO if booking.kind == "bonus" else booking.amount * rate).quantize(MONEY)
    return LotEvent(
        event_id=str(number),
        event_date=booking.booked_on,
        kind=kind,
        units=booking.units,
        price_cost=amount if kind == "open" else ZERO,
        tax_cost=amount if kind == "open" else ZERO,
        proceeds=amount if kind in ("close", "return_of_capital") else ZERO,
        ratio=booking.ratio,
    )


def _lots_at(events: list[LotEvent], start: date, method: Method) -> tuple[Lot, ...]:
    return match_lots([event for event in events if event.event_date <= start], method).open_lots


def _holds(events: list[LotEvent], start: date) -> bool:
    return bool(_lots_at(events, start, "fifo"))


def _from(
    start: date, events: list[LotEvent], quote: tuple[Decimal, Decimal] | None, method: Method
) -> list[LotEvent]:
    """Events after the start, behind openings of the lots held then at their value then."""
    openings = []
    if quote is not None:
        price, rate = quote
        for lot in _lots_at(events, start, method):
            worth = (lot.units_open * price * rate).quantize(MONEY)
            openings.append(
                LotEvent(
                    event_id=f"{lot.lot_id}@start",
                    event_date=start,
                    kind="open",
                    units=lot.units_open,
                    price_cost=worth,
                    tax_cost=worth,
                    acquisition_date=lot.acquisition_date,
                )
            )
    return openings + [event for event in events if event.event_date > start]


def _quote(market: Market, instrument: str, currency: str, day: date) -> tuple[Decimal, Decimal]:
    """Price of the day and rate of its currency, the last known ones."""
    price = market.price(instrument, day)
    rate = market.rate(market.currencies.get(instrument, currency), currency, day)
    if price is None or rate is None:
        raise LedgerError(f"{instrument} has no price or rate on or before {day}")
    return price, rate
