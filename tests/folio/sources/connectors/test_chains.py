"""Balances of chains: exact units, errors of nodes, and addresses with their checksums."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.connectors import esplora, ethereum
from folio.sources.landing import Batch, Load

LoadAt = Callable[..., Load]

HOLDER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
DAY, BLOCK = date(2026, 3, 2), "0x1465d4c"
WORD = "0x{:064x}".format


def kept(*pairs: tuple[str, list[Any], dict[str, Any]]) -> bytes:
    """A kept batch of questions with their answers, which come in another order."""
    asked = [
        {"id": place, "method": method, "params": given} for place, (method, given, _) in enumerate(pairs)
    ]
    answers = [{"jsonrpc": "2.0", "id": place, **answer} for place, (_, _, answer) in enumerate(pairs)]
    return json.dumps({"asked": [asked], "answers": [answers[::-1]]}).encode()


def balance_of(holder: str = HOLDER) -> list[Any]:
    return [{"to": TOKEN, "data": ethereum.BALANCE_OF + holder[2:].lower().rjust(64, "0")}, BLOCK]


DECIMALS: list[Any] = [{"to": TOKEN, "data": ethereum.DECIMALS}, BLOCK]


def read(body: bytes, load_at: LoadAt) -> Batch:
    return ethereum.parse_balances(body, load_at(2026, 3, 3, slot=DAY.isoformat()))


def test_ether_and_tokens_are_exact_to_the_last_unit(load_at: LoadAt) -> None:
    most = 2**256 - 1
    batch = read(
        kept(
            ("eth_getBalance", [HOLDER, BLOCK], {"result": "0x46dd54b7972bf801"}),
            ("eth_call", DECIMALS, {"result": WORD(6)}),
            ("eth_call", balance_of(), {"result": WORD(most)}),
        ),
        load_at,
    )
    assert batch.rows == [
        (DAY, "ethereum", HOLDER, "native", Decimal("5.106330700000000001"), 21388620, 1),
        (DAY, "ethereum", HOLDER, TOKEN, Decimal(f"{str(most)[:-6]}.{str(most)[-6:]}"), 21388620, 3),
    ]
    assert batch.rejected == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {"error": {"code": -32000, "message": "missing trie node"}},
            "the node refuses: missing trie node (-32000)",
        ),
        ({}, "the node gave no answer to this question"),
        ({"result": "0x"}, "no hexadecimal quantity: '0x'"),
        ({"result": "0x0046"}, "no hexadecimal quantity: '0x0046'"),
        ({"result": 5}, "no hexadecimal quantity: 5"),
    ],
)
def test_a_question_without_a_usable_answer_is_rejected_and_the_others_stay(
    load_at: LoadAt, answer: dict[str, Any], reason: str
) -> None:
    good = ("eth_getBalance", [TOKEN, BLOCK], {"result": "0x0"})
    batch = read(kept(("eth_getBalance", [HOLDER, BLOCK], answer), good), load_at)
    assert [(one.line, one.reason) for one in batch.rejected] == [(1, reason)]
    assert [row[2] for row in batch.rows] == [TOKEN]  # type: ignore[union-attr]


def test_a_token_that_answers_nothing_has_no_balance(load_at: LoadAt) -> None:
    batch = read(
        kept(("eth_call", DECIMALS, {"result": "0x"}), ("eth_call", balance_of(), {"result": WORD(5)})),
        load_at,
    )
    assert batch.rows == []
    assert [one.reason for one in batch.rejected] == [
        f"decimals of {TOKEN}: nothing answers at this address: it is no token contract at the block",
        f"{TOKEN} has no readable decimals",
    ]


def test_a_batch_that_the_node_refuses_as_a_whole_is_no_payload(load_at: LoadAt) -> None:
    refusal = {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32005, "message": "daily request count exceeded"},
    }
    body = json.dumps({"asked": [[]], "answers": [refusal]}).encode()
    with pytest.raises(PayloadError, match="daily request count exceeded"):
        read(body, load_at)
    with pytest.raises(PayloadError, match="no JSON-RPC answer"):
        read(b'{"asked":[[]],"answers":[{"status":"1"}]}', load_at)
    with pytest.raises(PayloadError, match="do not pair"):
        read(b'{"asked":[],"answers":[[]]}', load_at)


@pytest.mark.parametrize(
    "address",
    [
        HOLDER,
        TOKEN,
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_the_capitals_of_an_address_are_its_checksum(address: str) -> None:
    ethereum.check_address(address)
    assert ethereum.checksummed(address.lower()) == address
    with pytest.raises(ValueError, match="EIP-55"):
        ethereum.check_address(
            address[:-1] + address[-1].swapcase() if address[-1].isalpha() else "0x" + "aB" * 20
        )


@pytest.mark.parametrize("address", ["", "0x", HOLDER[:-1], HOLDER + "0", HOLDER[2:], "0x" + "g" * 40])
def test_what_has_not_the_form_of_an_address_is_none(address: str) -> None:
    with pytest.raises(ValueError, match="no Ethereum address"):
        ethereum.check_address(address)


def address(name: str, funded: object, spent: object) -> bytes:
    stats = {"funded_txo_sum": funded, "spent_txo_sum": spent, "tx_count": 1}
    return json.dumps(
        {"address": name, "chain_stats": stats, "mempool_stats": {"funded_txo_sum": 5}}
    ).encode()


GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def test_a_bitcoin_balance_is_what_was_funded_less_what_was_spent_and_confirmed(load_at: LoadAt) -> None:
    body = exact.paged([address(GENESIS, 2_100_000_000_000_001, 1)])
    batch = esplora.parse_balances(body, load_at(2026, 3, 3, slot=DAY.isoformat()))
    assert batch.rows == [(DAY, "bitcoin", GENESIS, "native", Decimal("21000000.00000000"), None, 1)]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (address(GENESIS, 1, 2), "more was spent than funded: 2 of 1 satoshis"),
        (address(GENESIS, "1", 0), "funded_txo_sum is no number of satoshis: '1'"),
        (address(GENESIS, 1.5, 0), "funded_txo_sum is no number of satoshis: Decimal('1.5')"),
        (address("0OIl", 1, 0), "'0OIl' is no Bitcoin address"),
        (b'{"error":"Invalid Bitcoin address"}', "no answer of Esplora on an address"),
    ],
)
def test_an_answer_that_cannot_be_used_is_rejected_and_the_others_stay(
    load_at: LoadAt, page: bytes, reason: str
) -> None:
    body = exact.paged([page, address(GENESIS, 1, 0)])
    batch = esplora.parse_balances(body, load_at(2026, 3, 3, slot=DAY.isoformat()))
    assert [(one.line, one.reason[: len(reason)]) for one in batch.rejected] == [(1, reason)]
    assert len(batch.rows) == 1  # type: ignore[arg-type]
