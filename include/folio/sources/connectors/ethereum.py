"""Ethereum JSON-RPC: balances of addresses in ether and in ERC-20 tokens, all at one block."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from typing import Any

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession, UnusableAnswerError

CHAIN = "ethereum"
NATIVE = "native"
ETHER_DECIMALS = 18

BALANCE_OF, DECIMALS = "0x70a08231", "0x313ce567"
"""First four bytes of the hashes of `balanceOf(address)` and `decimals()`."""

MOST_IN_A_BATCH = 100
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,63})")
WORD = re.compile(r"0x[0-9a-f]{64}")
EXACT = Context(prec=78)
"""Enough digits for any unsigned number of 256 bits."""

MOST_DECIMALS = 77


@dataclass(frozen=True)
class Ethereum:
    """Asks a node; the endpoint's URL may hold a key in its path, which the session keeps to itself."""

    http: ProviderSession

    def fetch_balances(self, addresses: Sequence[str], tokens: Sequence[str]) -> Payload:
        """Balances at the newest block, as one document of the questions and the answers as they came."""
        newest = self._ask([_question("eth_blockNumber", [])])
        try:
            block = hex(quantity(_result(_answers(exact.document(newest.body))[0])))
        except (ValueError, PayloadError) as fault:
            raise UnusableAnswerError(f"{newest.origin}: no block number: {fault}", newest) from None
        questions = [
            *(_question("eth_getBalance", [address, block]) for address in addresses),
            *(_question("eth_call", [{"to": token, "data": DECIMALS}, block]) for token in tokens),
            *(
                _question("eth_call", [{"to": token, "data": BALANCE_OF + _word(address)}, block])
                for address in addresses
                for token in tokens
            ),
        ]
        numbered = [{**question, "id": place} for place, question in enumerate(questions, start=1)]
        batches = [
            numbered[begin : begin + MOST_IN_A_BATCH] for begin in range(0, len(numbered), MOST_IN_A_BATCH)
        ]
        payloads = [self._ask(batch) for batch in batches]
        asked = b'{"asked":' + json.dumps(batches).encode() + b',"answers":['
        body = asked + b",".join(one.body for one in payloads) + b"]}"
        return Payload(body, payloads[-1].observed_at, payloads[-1].origin)

    def _ask(self, questions: Sequence[Mapping[str, Any]]) -> Payload:
        """The answer to a batch of questions."""
        return self.http.post(self.http.base_url, json.dumps(questions).encode())


def parse_balances(body: bytes, load: Load) -> Batch:
    """Balances in whole units on the day that is the load's slot, for raw.wallet_balances.

    A token without readable decimals has no balance in whole units: its rows are rejected. Line counts the
    questions. A single question may stand where a batch may.
    """
    kept = exact.mapping(body)
    asked, answers = kept.get("asked"), kept.get("answers")
    if not isinstance(asked, list) or not isinstance(answers, list) or len(asked) != len(answers):
        raise PayloadError("not a kept answer of an Ethereum node: questions and answers do not pair")
    day = date.fromisoformat(load.slot)
    results = [pair for batch, answer in zip(asked, answers, strict=True) for pair in _paired(batch, answer)]
    decimals: dict[str, int] = {}
    rejected: list[Rejected] = []
    for line, (question, result) in enumerate(results, start=1):
        if question["method"] == "eth_call" and question["params"][0]["data"] == DECIMALS:
            token = question["params"][0]["to"]
            try:
                decimals[token] = _decimals(_result(result))
            except ValueError as fault:
                rejected.append(Rejected(line, f"decimals of {token}: {fault}", exact.text(result)))
    rows: list[tuple[object, ...]] = []
    for line, (question, result) in enumerate(results, start=1):
        try:
            balance = _balance(question, result, decimals)
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text(result)))
            continue
        if balance is not None:
            rows.append((day, CHAIN, *balance, line))
    return Batch("wallet_balances", rows, sorted(rejected, key=lambda one: one.line))


def check_address(address: str) -> None:
    """Raise ValueError unless this is an address in its checksummed spelling (EIP-55)."""
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no Ethereum address: 0x and 40 hexadecimal digits")
    if address != checksummed(address):
        raise ValueError(f"{address!r} does not have the capitals of its checksum (EIP-55)")


def checksummed(address: str) -> str:
    """Spelling of an address whose capitals are its checksum (EIP-55)."""
    from ccxt.base.exchange import Exchange  # carries Keccak-256, which hashlib lacks; a second to import

    digits = address.removeprefix("0x").lower()
    digest = Exchange.hash(digits.encode(), "keccak", "hex")
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit
        for digit, nibble in zip(digits, digest, strict=False)
    )


def quantity(value: object) -> int:
    """Whole number of JSON-RPC's hexadecimal form; ValueError where it is none."""
    if not isinstance(value, str) or not QUANTITY.fullmatch(value):
        raise ValueError(f"no hexadecimal quantity: {value!r}")
    return int(value, 16)


def units(smallest: int, decimals: int) -> Decimal:
    """Exact number of whole units: the smallest units moved by the decimals."""
    return EXACT.scaleb(EXACT.create_decimal(smallest), -decimals)


def _balance(
    question: Mapping[str, Any], answer: Mapping[str, Any], decimals: Mapping[str, int]
) -> tuple[str, str, Decimal, int] | None:
    """Address, asset, balance and block of one question; None where it asked for something else."""
    parameters = question["params"]
    if question["method"] == "eth_getBalance":
        check_address(parameters[0])
        wei = quantity(_result(answer))
        return parameters[0], NATIVE, units(wei, ETHER_DECIMALS), quantity(parameters[1])
    if question["method"] == "eth_call" and parameters[0]["data"].startswith(BALANCE_OF):
        token = parameters[0]["to"]
        if token not in decimals:
            raise ValueError(f"{token} has no readable decimals")
        address = checksummed("0x" + parameters[0]["data"][-40:])
        held = int(_one_word(_result(answer)), 16)
        return address, token, units(held, decimals[token]), quantity(parameters[1])
    return None


def _paired(batch: object, answer: object) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each question of a batch with its answer by id, in the order asked; an empty one where none came."""
    questions = batch if isinstance(batch, list) else [batch]
    by_id = {one.get("id"): one for one in _answers(answer)}
    for question in questions:
        yield question, by_id.get(question["id"], {})


def _answers(answer: object) -> list[Mapping[str, Any]]:
    """Answers to a batch or to one question; PayloadError where the node refuses the whole batch."""
    answers = answer if isinstance(answer, list) else [answer]
    if not all(isinstance(one, dict) and one.get("jsonrpc") == "2.0" for one in answers) or not answers:
        raise PayloadError(f"no JSON-RPC answer: {exact.text(answer)[:120]}")
    if isinstance(answer, dict) and "error" in answer and answer.get("id") is None:
        raise PayloadError(f"the node refuses: {_complaint(answer['error'])}")
    return answers


def _result(answer: Mapping[str, Any]) -> object:
    """Result of one answer; ValueError with the node's complaint where it has none."""
    if "error" in answer:
        raise ValueError(f"the node refuses: {_complaint(answer['error'])}")
    if "result" not in answer:
        raise ValueError("the node gave no answer to this question")
    return answer["result"]


def _complaint(error: object) -> str:
    """What a node says is wrong."""
    if isinstance(error, dict):
        return f"{error.get('message')} ({error.get('code')})"
    return str(error)[:200]


def _decimals(result: object) -> int:
    """Decimals of a token; ValueError where they are none."""
    said = int(_one_word(result), 16)
    if said > MOST_DECIMALS:
        raise ValueError(f"{said} decimals are no decimals of a token")
    return said


def _one_word(result: object) -> str:
    """One 32-byte word; ValueError where a contract gave none."""
    if result == "0x":
        raise ValueError("nothing answers at this address: it is no token contract at the block")
    if not isinstance(result, str) or not WORD.fullmatch(result):
        raise ValueError(f"not one word of 32 bytes: {str(result)[:80]!r}")
    return result


def _word(address: str) -> str:
    """An address as the 32-byte word of a call, without 0x."""
    return address.removeprefix("0x").lower().rjust(64, "0")


def _question(method: str, parameters: Iterable[object]) -> dict[str, Any]:
    """One JSON-RPC question."""
    return {"jsonrpc": "2.0", "id": 0, "method": method, "params": list(parameters)}
