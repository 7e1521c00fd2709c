"""Exports of exchanges and wallets of coins: Binance to rotki's own tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from folio.books.importers import cells
from folio.books.importers.brokers import unknown
from folio.books.importers.events import Event, PassedOver, of_kind
from folio.books.importers.formats import Delimited, Groups, columns, one
from folio.books.importers.movements import (
    Quantity,
    came_in,
    charged,
    coin,
    exchanged,
    was_given,
    went_out,
)
from folio.books.importers.table import Record
from folio.books.rows import RowError


def _event(at: datetime, source_id: str | None = None, account: str | None = None) -> Event:
    """What all events of an instant share: coins trade around the clock, so the day is that of UTC."""
    return Event(kind="", trade_date=at.date(), occurred_at=at, source_id=source_id or None, account=account)


def _quantity(text: str) -> Quantity:
    """`2.00000000 ETH` as a quantity; none where the text is empty."""
    size, _, code = text.partition(" ")
    try:
        return Quantity(abs(cells.number(size)) if size else Decimal(0), code.strip())
    except ValueError as wrong:
        raise RowError(f"column Amount: {wrong}") from None


# ---- Bitvavo -----------------------------------------------------------------------------------------------


def _bitvavo(record: Record) -> Iterator[Event]:
    """What was received or paid has the fee in it; so has what was withdrawn."""
    if record.need("status") not in ("Completed", "Distributed"):
        raise PassedOver(f"not done: {record.text('status')}")
    said = record.need("type").casefold()
    timed = replace(record, cells={**record.cells, "at": f"{record.need('date')} {record.need('time')}"})
    event = _event(timed.instant("at", zone=record.need("timezone")), record.text("transaction id"))
    what = Quantity(record.size("amount"), record.need("currency"))
    fee = Quantity(record.size("fee amount"), record.text("fee currency"))
    if said in ("buy", "sell"):
        money = Quantity(record.size("received / paid amount"), record.need("received / paid currency"))
        if fee.size and fee.code == money.code:
            money = Quantity(money.size + (fee.size if said == "sell" else -fee.size), money.code)
        paid, got = (money, what) if said == "buy" else (what, money)
        yield from exchanged(paid, got, event, fee)
    elif said in (
        "staking",
        "fixed_staking",
        "rebate",
        "affiliate",
        "distribution",
        "campaign_new_user_incentive",
    ):
        yield was_given(what, event, "staking_reward" if "staking" in said else "airdrop")
    elif said == "deposit":
        yield came_in(what, event)
    elif said == "withdrawal":
        if fee.size and (fee.code != what.code or fee.size >= what.size):
            raise RowError(f"column Fee amount: {fee.size} {fee.code} of {what.size} {what.code} withdrawn")
        yield went_out(Quantity(what.size - fee.size, what.code), event)
        if fee.size:
            yield charged(fee, event)
    else:
        raise unknown("Type", said, ("buy", "sell", "staking", "deposit", "withdrawal"))


# ---- Coinbase ----------------------------------------------------------------------------------------------

_CONVERTED = re.compile(r"Converted ([\d.,]+) (\S+) to ([\d.,]+) (\S+)")
COINBASE_GIVEN = {
    "staking income": "staking_reward", "reward income": "staking_reward",
    "rewards income": "staking_reward", "inflation reward": "staking_reward", "learning reward": "airdrop",
    "coinbase earn": "airdrop", "airdrop": "airdrop", "subscription rebate": "airdrop",
}  # fmt: skip


def _coinbase(record: Record) -> Iterator[Event]:
    said = record.need("transaction type").casefold()
    currency = record.need("price currency")
    event = _event(record.instant("timestamp", "%Y-%m-%d %H:%M:%S UTC", "iso"))
    identity = f"{record.need('id')} {said} {currency}"
    event = replace(event, source_id=identity)
    what = Quantity(record.size("quantity transacted"), record.need("asset"))
    total, subtotal = record.size("total (inclusive of fees and/or spread)"), record.size("subtotal")
    fee = record.size("fees and/or spread")
    value = Quantity(subtotal, currency)
    side = said.removeprefix("advanced trade ").removeprefix("advance trade ")
    if side in ("buy", "sell"):
        if not total:
            raise RowError("column Subtotal: empty")
        paid, got = (value, what) if side == "buy" else (what, value)
        yield from exchanged(paid, got, event, Quantity(fee, currency))
    elif said == "convert":
        told = _CONVERTED.search(record.text("notes"))
        if told is None:
            raise RowError("column Notes: does not say into what was converted")
        paid = Quantity(cells.number(told[1]), told[2])
        yield from exchanged(paid, Quantity(cells.number(told[3]), told[4]), event, None, value)
    elif said in COINBASE_GIVEN:
        yield was_given(what, event, COINBASE_GIVEN[said], value)
    elif said in ("receive", "deposit", "exchange withdrawal", "pro withdrawal"):
        yield came_in(what, event)
    elif said in ("send", "withdrawal", "exchange deposit", "pro deposit"):
        yield went_out(what, event)
    else:
        raise unknown(
            "Transaction Type", said, ("buy", "sell", "convert", "send", "receive", *COINBASE_GIVEN)
        )


# ---- Coinbase Pro ------------------------------------------------------------------------------------------


def _coinbase_pro(records: Sequence[Record]) -> Iterator[Event]:
    first = records[0]
    kind, at = first.need("type"), first.instant("timestamp")
    if kind in ("deposit", "withdrawal"):
        event = _event(at, first.text("transfer id") and f"transfer {first.text('transfer id')}")
        what = Quantity(first.size("amount"), first.need("amount/balance unit"))
        yield came_in(what, event) if kind == "deposit" else went_out(what, event)
        return
    legs = {"paid": [], "got": [], "fee": []}  # type: dict[str, list[Quantity]]
    for record in records:
        amount, code = record.number("amount"), record.need("amount/balance unit")
        if record.text("type") not in ("match", "fee"):
            raise unknown("type", record.text("type"), ("deposit", "withdrawal", "match", "fee"))
        leg = "fee" if record.text("type") == "fee" else "paid" if amount < 0 else "got"
        legs[leg].append(Quantity(abs(amount), code))
    if len(legs["paid"]) != 1 or len(legs["got"]) != 1 or len(legs["fee"]) > 1:
        raise RowError("column type: a trade without both its legs")
    event = _event(at, f"trade {first.need('trade id')}")
    yield from exchanged(legs["paid"][0], legs["got"][0], event, next(iter(legs["fee"]), None))


def _by_trade(records: Sequence[Record]) -> Groups:
    trades: dict[str, list[Record]] = {}
    for place, record in enumerate(records):
        trades.setdefault(record.text("trade id") or f"line {place}", []).append(record)
    return trades.values()


# ---- Crypto.com --------------------------------------------------------------------------------------------

CRYPTOCOM_GIVEN = frozenset(
    (
        "referral_bonus", "referral_card_cashback", "reimbursement", "referral_gift", "mco_stake_reward",
        "crypto_earn_interest_paid", "crypto_earn_extra_interest_paid", "pay_checkout_reward",
        "transfer_cashback", "finance.lockup.dpos_compound_interest.crypto_wallet",
        "rewards_platform_deposit_credited",
        "supercharger_reward_to_app_credited", "staking_reward", "campaign_reward", "admin_wallet_credited",
    )
)  # fmt: skip
CRYPTOCOM_WITHIN = frozenset(
    (
        "crypto_earn_program_created", "crypto_earn_program_withdrawn", "lockup_lock", "lockup_unlock",
        "lockup_upgrade", "lockup_swap_credited", "lockup_swap_debited", "lockup_swap_rebate",
        "dynamic_coin_swap_bonus_exchange_deposit", "finance.lockup.dpos_lock.crypto_wallet",
        "finance.lockup.dpos_unlock.crypto_wallet", "trading.limit_order.cash_account.purchase_lock",
        "trading.limit_order.cash_account.purchase_unlock", "supercharger_deposit", "supercharger_withdrawal",
    )
)  # fmt: skip
CRYPTOCOM_IN = frozenset(
    ("crypto_deposit", "exchange_to_crypto_transfer", "crypto_payment_refund", "viban_deposit")
)
CRYPTOCOM_OUT = frozenset(
    ("crypto_withdrawal", "crypto_to_exchange_transfer", "reimbursement_reverted", "viban_withdrawal",
     "card_cashback_reverted")
)  # fmt: skip
CRYPTOCOM_SWAPS = ("dust_conversion", "dynamic_coin_swap", "crypto_wallet_swap")
CRYPTOCOM_TRADES = frozenset(
    ("crypto_exchange", "viban_purchase", "crypto_viban_exchange",
     "trading.limit_order.cash_account.purchase_commit", "trading.limit_order.crypto_wallet.exchange",
     "recurring_buy_order")
)  # fmt: skip


def _cryptocom(records: Sequence[Record]) -> Iterator[Event]:
    record = records[0]
    kind = record.need("transaction kind")
    event = _event(record.instant("timestamp (utc)", "%Y-%m-%d %H:%M:%S"))
    amount = record.number("amount")
    what = Quantity(abs(amount), record.need("currency"))
    value = Quantity(record.size("native amount"), record.need("native currency"))
    if kind.endswith(("_credited", "_debited")) and kind.startswith(CRYPTOCOM_SWAPS):
        if record.text("part of") == "yes":
            raise PassedOver("part of the overall swap of the same moment")
        yield from _cryptocom_swap(records, event)
    elif kind in CRYPTOCOM_TRADES:
        got = Quantity(record.size("to amount"), record.need("to currency"))
        yield from exchanged(what, got, event, None, value)
    elif kind == "crypto_purchase":
        # Paid with a card: the money comes and is spent at once.
        yield came_in(value, event)
        yield from exchanged(value, what, event)
    elif kind in ("crypto_payment", "card_top_up"):
        yield from exchanged(what, value, event)
        yield went_out(value, event)
    elif kind in CRYPTOCOM_GIVEN:
        sort = "staking_reward" if "stake" in kind or "interest" in kind else "airdrop"
        yield was_given(what, event, sort, value)
    elif kind in CRYPTOCOM_IN or (kind == "crypto_transfer" and amount > 0):
        yield came_in(what, event)
    elif kind in CRYPTOCOM_OUT or (kind == "crypto_transfer" and amount < 0):
        yield went_out(what, event)
    elif kind in CRYPTOCOM_WITHIN:
        raise PassedOver(f"moved within the account: {record.text('transaction description')}")
    else:
        raise RowError(f"column Transaction Kind: unknown kind {kind!r}")


def _cryptocom_swap(records: Sequence[Record], event: Event) -> Iterator[Event]:
    """Coins given for others in one moment: several may become one."""
    out = [r for r in records if r.number("amount") < 0]
    back = [r for r in records if r.number("amount") > 0]
    if not out or len(back) != 1:
        raise RowError("column Transaction Kind: one side of a swap without the other")
    yield from swapped(
        [Quantity(r.size("amount"), r.need("currency")) for r in out],
        [Quantity(r.size("amount"), r.need("currency")) for r in back],
        event,
    )


def swapped(paid: Sequence[Quantity], got: Sequence[Quantity], event: Event) -> Iterator[Event]:
    """Several coins given or got in one swap; RowError where one of several is money."""
    if len(paid) == len(got) == 1:
        yield from exchanged(paid[0], got[0], event)
        return
    if any(one.is_money for one in (*paid, *got)):
        raise RowError("several things given for others, money among them: how much for which is not said")
    pair = f"{event.occurred_at} {' '.join(sorted({one.code for one in (*paid, *got)}))}"
    for kind, side in (("swap_out", paid), ("swap_in", got)):
        for one_ in side:
            yield replace(event, kind=kind, instrument=coin(one_.code), units=one_.size, pair_key=pair)


def _cryptocom_groups(records: Sequence[Record]) -> Groups:
    """Lines of one swap together; the parts of an overall swap are marked."""
    swaps: dict[tuple[str, str], list[Record]] = {}
    overall = {
        r.text("timestamp (utc)")
        for r in records
        if r.text("transaction kind").startswith("dynamic_coin_swap_")
    }
    for record in records:
        kind, at = record.text("transaction kind"), record.text("timestamp (utc)")
        family = next((f for f in CRYPTOCOM_SWAPS if kind.startswith(f) and kind.endswith("ed")), None)
        if family is None:
            yield [record]
            continue
        if family == "crypto_wallet_swap" and at in overall:
            record = replace(record, cells={**record.cells, "part of": "yes"})
        swaps.setdefault((family, at), []).append(record)
    yield from swaps.values()


# ---- Binance -----------------------------------------------------------------------------------------------

BINANCE_TRADES = frozenset(
    (
        "buy", "sell", "transaction related", "transaction buy", "transaction spend", "transaction sold",
        "transaction revenue", "binance convert", "small assets exchange bnb", "eth 2.0 staking",
        "large otc trading", "convert",
    )
)  # fmt: skip
BINANCE_FEES = frozenset(("fee", "transaction fee"))
BINANCE_GIVEN = {
    "pos savings interest": "staking_reward", "eth 2.0 staking rewards": "staking_reward",
    "launchpool interest": "staking_reward", "simple earn flexible interest": "staking_reward",
    "simple earn locked rewards": "staking_reward", "bnb vault rewards": "staking_reward",
    "staking rewards": "staking_reward", "savings interest": "staking_reward",
    "distribution": "airdrop", "airdrop assets": "airdrop", "cash voucher distribution": "airdrop",
    "mission reward distribution": "airdrop", "commission history": "airdrop",
    "referral kickback": "airdrop", "commission rebate": "airdrop",
}  # fmt: skip
BINANCE_WITHIN = (
    "pos savings purchase", "pos savings redemption", "savings purchase", "savings principal redemption",
    "simple earn flexible subscription", "simple earn flexible redemption", "simple earn locked subscription",
    "simple earn locked redemption", "staking purchase", "staking redemption",
    "transfer between ", "main and funding account transfer",
)  # fmt: skip


def _binance(records: Sequence[Record]) -> Iterator[Event]:
    first = records[0]
    said = first.need("operation").casefold()
    event = _event(first.instant("utc_time", "%Y-%m-%d %H:%M:%S"))
    if said in BINANCE_TRADES or said in BINANCE_FEES:
        yield from _binance_trade(records, event)
        return
    change = first.number("change")
    what = Quantity(abs(change), first.need("coin"))
    if first.text("account").endswith("Futures") and not said.startswith("transfer between "):
        raise RowError("column Account: futures are not held as units of an instrument")
    if said in BINANCE_GIVEN:
        yield was_given(what, event, BINANCE_GIVEN[said])
    elif said in ("deposit", "fiat deposit", "crypto deposit"):
        yield came_in(what, event)
    elif said in ("withdraw", "fiat withdraw", "crypto withdraw"):
        yield went_out(what, event)
    elif said.startswith(BINANCE_WITHIN):
        raise PassedOver(f"moved within the account: {first.need('operation')}")
    elif said == "buy crypto":
        raise RowError("column Operation: a purchase with a card: what was paid for it is not in this export")
    else:
        raise RowError(f"column Operation: unknown kind {first.need('operation')!r}")


def _binance_trade(records: Sequence[Record], event: Event) -> Iterator[Event]:
    """All fills of one second together: what left, what came, and the fees in any coin."""
    moved: dict[str, Decimal] = {}
    fees: dict[str, Decimal] = {}
    for record in records:
        into = fees if record.text("operation").casefold() in BINANCE_FEES else moved
        code = record.need("coin")
        into[code] = into.get(code, Decimal(0)) + record.number("change")
    paid = [Quantity(-size, code) for code, size in moved.items() if size < 0]
    got = [Quantity(size, code) for code, size in moved.items() if size > 0]
    if not paid or not got:
        raise RowError("column Operation: one side of a trade without the other")
    yield from swapped(paid, got, event)
    for code, size in fees.items():
        if size:
            yield charged(Quantity(-size, code), event)


def _binance_groups(records: Sequence[Record]) -> Groups:
    """Lines of the trades of one second together, apart by their sort; others alone."""
    trades: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        said = record.text("operation").casefold()
        if said not in BINANCE_TRADES and said not in BINANCE_FEES:
            yield [record]
            continue
        alone = said if said in ("small assets exchange bnb", "eth 2.0 staking", "binance convert") else ""
        key = (record.text("account"), record.text("utc_time"), alone)
        trades.setdefault(key, []).append(record)
    yield from trades.values()


# ---- others ------------------------------------------------------------------------------------------------


def _bitstamp(record: Record) -> Iterator[Event]:
    said = record.need("type").casefold()
    event = _event(record.instant("datetime", "%b. %d, %Y, %I:%M %p", "%B %d, %Y, %I:%M %p", "iso"))
    what, fee = _quantity(record.need("amount")), _quantity(record.text("fee"))
    if said == "market":
        side, value = record.need("sub type").casefold(), _quantity(record.need("value"))
        if side not in ("buy", "sell"):
            raise unknown("Sub Type", side, ("Buy", "Sell"))
        paid, got = (value, what) if side == "buy" else (what, value)
        yield from exchanged(paid, got, event, fee)
        return
    if said not in ("deposit", "withdrawal"):
        raise unknown("Type", said, ("Market", "Deposit", "Withdrawal"))
    yield came_in(what, event) if said == "deposit" else went_out(what, event)
    if fee.size:
        yield charged(fee, event)


def _bittrex(record: Record) -> Iterator[Event]:
    """The total has the fee in it, which is taken in the quote's coin."""
    said = record.need("transaction").casefold()
    event = _event(record.instant("time (utc)"), record.need("txid"))
    base = Quantity(record.size("quantity (base)"), record.need("base"))
    fee = Quantity(record.size("fees (quote)"), record.need("quote"))
    total = record.size("total (quote)")
    if said == "bought":
        yield from exchanged(Quantity(total - fee.size, fee.code), base, event, fee)
    elif said == "sold":
        yield from exchanged(base, Quantity(total + fee.size, fee.code), event, fee)
    else:
        raise unknown("Transaction", said, ("Bought", "Sold"))


BLOCKPIT_IN = frozenset(("deposit", "nontaxablein", "gift_received", "income"))
BLOCKPIT_OUT = frozenset(("withdrawal", "nontaxableout", "gift", "donation", "lost", "payment", "theft"))
BLOCKPIT_GIVEN = {
    "staking": "staking_reward", "lending": "staking_reward", "interest": "staking_reward",
    "mining": "staking_reward", "masternode": "staking_reward", "bounties": "airdrop", "airdrop": "airdrop",
    "cashback": "airdrop", "referral_rewards": "airdrop",
}  # fmt: skip


def _blockpit(record: Record) -> Iterator[Event]:
    """Ids may have lost digits on the way through a spreadsheet, so contents tell events apart."""
    said = record.need("transaction type").casefold()
    event = _event(record.instant("timestamp", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"))
    out = Quantity(record.size("outgoing amount"), record.text("outgoing asset"))
    into = Quantity(record.size("incoming amount"), record.text("incoming asset"))
    fee = Quantity(record.size("fee amount"), record.text("fee asset"))
    if said == "trade":
        if not out.size or not into.size:
            raise RowError("column Outgoing Amount: one side of a trade without the other")
        yield from exchanged(out, into, event, fee)
        return
    if said in BLOCKPIT_IN and into.size:
        yield came_in(into, event)
    elif said in BLOCKPIT_OUT and out.size:
        yield went_out(out, event)
    elif said in BLOCKPIT_GIVEN and into.size:
        yield was_given(into, event, BLOCKPIT_GIVEN[said])
    elif said == "fee" and out.size:
        yield charged(out, event)
    elif said in ("margin_trading_profit", "margin_trading_loss") and (into.is_money or out.is_money):
        gain = replace(event, currency=into.code or out.code)
        yield of_kind("interest", into.size - out.size, gain)
    else:
        raise RowError(f"column Transaction Type: unknown kind {record.text('transaction type')!r}")
    if fee.size:
        yield charged(fee, event)


def _kucoin(record: Record) -> Iterator[Event]:
    base, _, quote = record.need("symbol").partition("-")
    event = _event(record.instant("tradecreatedat", "%Y-%m-%d %H:%M:%S"))
    what, funds = Quantity(record.size("size"), base), Quantity(record.size("funds"), quote)
    side = record.need("side").casefold()
    if side not in ("buy", "sell"):
        raise unknown("side", side, ("buy", "sell"))
    paid, got = (funds, what) if side == "buy" else (what, funds)
    yield from exchanged(paid, got, event, Quantity(record.size("fee"), record.text("feecurrency")))


NEXO_GIVEN = {
    "interest": "staking_reward", "fixed term interest": "staking_reward", "cashback": "airdrop",
    "exchange cashback": "airdrop", "referral bonus": "airdrop", "dividend": "airdrop", "bonus": "airdrop",
}  # fmt: skip
NEXO_WITHIN = frozenset(
    (
        "locking term deposit", "unlocking term deposit", "transfer in", "transfer out",
        "exchange to withdraw",
        "exchange deposited on", "credit card fiatx exchange to withdraw",
    )
)  # fmt: skip
NEXO_DEBT = frozenset(
    (
        "credit card status", "nexo card purchase", "liquidation", "repayment", "manual repayment",
        "manual sell order", "automatic collateral transfer", "withdraw credit", "loan withdrawal",
    )
)  # fmt: skip


def _nexo_code(text: str) -> str:
    """Currency behind Nexo's own sign for money, such as GBPX; other codes as they are."""
    return text[:-1] if text.endswith("X") and cells.is_money(text[:-1]) else text


def _nexo(record: Record) -> Iterator[Event]:
    said = record.need("type").casefold()
    state = record.text("details").partition(" / ")[0]
    if state != "approved":
        raise PassedOver(f"not done: {state}")
    event = _event(
        record.instant("date / time (utc)", "%Y-%m-%d %H:%M:%S"), f"{record.need('transaction')} {said}"
    )
    amount = record.number("input amount")
    paid = Quantity(abs(amount), _nexo_code(record.need("input currency")))
    got = Quantity(record.size("output amount"), _nexo_code(record.text("output currency")))
    if said in NEXO_GIVEN:
        if amount < 0:
            if not paid.is_money:
                raise RowError("column Input Amount: interest charged in a coin")
            yield of_kind("interest", amount, replace(event, currency=paid.code))
        else:
            yield was_given(paid, event, NEXO_GIVEN[said])
    elif said == "exchange":
        yield from exchanged(paid, got, event)
    elif said in ("deposit", "top up crypto", "deposit to exchange"):
        yield came_in(paid, event)
    elif said in ("withdrawal", "withdraw exchanged"):
        yield went_out(paid, event)
    elif said in NEXO_WITHIN:
        raise PassedOver(f"moved within the account: {record.text('type')}")
    elif said in NEXO_DEBT:
        raise RowError(f"column Type: {record.text('type')}: a loan, and accounts hold no debts")
    else:
        raise RowError(f"column Type: unknown kind {record.text('type')!r}")


def _relai(record: Record) -> Iterator[Event]:
    said = record.need("transaction type").casefold()
    event = _event(record.instant("date"), record.text("operation id"))
    bitcoin = Quantity(record.size("btc amount"), "BTC")
    money = Quantity(record.size("fiat amount (excl. fees)"), record.need("fiat currency"))
    fee = Quantity(record.size("fee"), record.text("fee currency"))
    if said not in ("buy", "sell"):
        raise unknown("Transaction Type", said, ("Buy", "Sell"))
    paid, got = (money, bitcoin) if said == "buy" else (bitcoin, money)
    yield from exchanged(paid, got, event, fee)


def _epoch(record: Record) -> datetime:
    text = record.need("timestamp")
    if not text.isdecimal():
        raise RowError(f"column Timestamp: {text!r} is not in milliseconds since 1970")
    return datetime.fromtimestamp(int(text) // 1000, UTC)


def _rotki_trade(record: Record) -> Iterator[Event]:
    paid = Quantity(record.size("spend amount"), record.need("spend currency"))
    got = Quantity(record.size("receive amount"), record.need("receive currency"))
    fee = Quantity(record.size("fee"), record.text("fee currency"))
    if not paid.size or not got.size:
        raise RowError("column Receive Amount: 0: one side of a trade without the other")
    yield from exchanged(paid, got, _event(_epoch(record)), fee)


def _rotki_event(record: Record) -> Iterator[Event]:
    said = record.need("type").casefold()
    what = Quantity(record.size("amount"), record.need("currency"))
    fee = Quantity(record.size("fee"), record.text("fee currency"))
    event = _event(_epoch(record))
    match said:
        case "deposit":
            yield came_in(what, event)
        case "withdrawal" | "loss" | "spend":
            yield went_out(what, event)
        case "staking":
            yield was_given(what, event)
        case "income" | "airdrop":
            yield was_given(what, event, "airdrop")
        case _:
            raise unknown("Type", said, ("deposit", "withdrawal", "staking", "income", "loss"))
    if fee.size:
        yield charged(fee, event)


FORMATS = (
    Delimited(
        "bitvavo", "Bitvavo",
        columns("Timezone|Date|Time|Type|Currency|Amount|"
        "Received / Paid Amount|Fee amount|Status|Transaction ID"),
        one(_bitvavo),
    ),
    Delimited(
        "coinbase", "Coinbase",
        columns("ID|Timestamp|Transaction Type|Asset|Quantity Transacted|Price Currency|Subtotal|Notes"),
        one(_coinbase),
    ),
    Delimited(
        "coinbase_pro", "Coinbase Pro",
        columns("Portfolio|Type|Timestamp|Amount|Balance|Amount/balance unit|Transfer id|Trade id"),
        _coinbase_pro, group=_by_trade,
    ),
    Delimited(
        "crypto_com", "Crypto.com app",
        columns("Timestamp (UTC)|Transaction Description|Currency|Amount|"
        "To Currency|Native Currency|Transaction Kind"),
        _cryptocom, group=_cryptocom_groups,
    ),
    Delimited(
        "binance", "Binance transaction history", columns("UTC_Time|Account|Operation|Coin|Change"),
        _binance, group=_binance_groups,
    ),
    Delimited(
        "bitstamp", "Bitstamp",
        columns("Type|Datetime|Account|Amount|Value|Rate|Fee|Sub Type"), one(_bitstamp)
    ),
    Delimited(
        "bittrex", "Bittrex orders",
        columns("TXID|Time (UTC)|Transaction|Base|Quote|Quantity (Base)|Fees (Quote)|Total (Quote)"),
        one(_bittrex),
    ),
    Delimited(
        "blockpit", "Blockpit",
        columns("Blockpit ID|Timestamp|Transaction Type|"
        "Outgoing Asset|Outgoing Amount|Incoming Asset|Fee Asset"),
        one(_blockpit), ";,",
    ),
    Delimited(
        "kucoin", "KuCoin orders", columns("tradeCreatedAt|symbol|side|price|size|funds|fee|feeCurrency"),
        one(_kucoin),
    ),
    Delimited(
        "nexo", "Nexo",
        columns("Transaction|Type|Input Currency|Input Amount|Output Currency|Output Amount|Details"),
        one(_nexo),
    ),
    Delimited(
        "relai", "Relai",
        columns("Date|Transaction Type|BTC Amount|Fiat Amount (excl. fees)|Fiat Currency|Fee"),
        one(_relai),
    ),
    Delimited(
        "rotki_trades", "rotki's table of trades",
        columns("Location|Spend Currency|Receive Currency|Receive Amount|Spend Amount|Fee|Timestamp"),
        one(_rotki_trade),
    ),
    Delimited(
        "rotki_events", "rotki's table of events",
        columns("Type|Location|Currency|Amount|Fee|Fee Currency|Description|Timestamp"), one(_rotki_event),
    ),
)  # fmt: skip
