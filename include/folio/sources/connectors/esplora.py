"""Esplora: confirmed balances of Bitcoin addresses, from what an address was funded with and has spent."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from folio.errors import PayloadError
from folio.sources import exact
from folio.sources.landing import Batch, Load, Rejected
from folio.sources.payloads import Payload
from folio.sources.session import ProviderSession

ADDRESS_PATH = "/api/address/{address}"
CHAIN = "bitcoin"
NATIVE = "native"
SATOSHI = Decimal(1).scaleb(-8)
"""Bitcoin in one satoshi."""

ADDRESS = re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71}")


@dataclass(frozen=True)
class Esplora:
    """Fetches what a server in Esplora's format says of addresses."""

    http: ProviderSession

    def fetch_balances(self, addresses: Iterable[str]) -> Payload:
        """What is known of each address, as one document `{"pages": [...]}`."""
        payloads = [self.http.get(ADDRESS_PATH.format(address=address)) for address in addresses]
        return Payload(
            exact.paged(one.body for one in payloads), payloads[-1].observed_at, payloads[-1].origin
        )


def check_address(address: str) -> None:
    """Raise ValueError where this has not the form of a Bitcoin address; checksums are not looked at."""
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no Bitcoin address")


def parse_balances(body: bytes, load: Load) -> Batch:
    """Confirmed balances in bitcoin on the day that is the load's slot, for raw.wallet_balances."""
    pages = exact.mapping(body).get("pages")
    if not isinstance(pages, list) or not pages:
        raise PayloadError("not a kept answer of Esplora: it has no pages")
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for line, page in enumerate(pages, start=1):
        try:
            address, balance = _balance(page)
            rows.append((date.fromisoformat(load.slot), CHAIN, address, NATIVE, balance, None, line))
        except ValueError as fault:
            rejected.append(Rejected(line, str(fault), exact.text(page)))
    return Batch("wallet_balances", rows, rejected)


def _balance(page: Mapping[str, Any]) -> tuple[str, Decimal]:
    """Address and confirmed balance; ValueError says what is wrong."""
    address = page.get("address") if isinstance(page, dict) else None
    stats = page.get("chain_stats") if isinstance(page, dict) else None
    if not isinstance(address, str) or not isinstance(stats, dict):
        raise ValueError("no answer of Esplora on an address: address or chain_stats is missing")
    check_address(address)
    funded, spent = (_satoshis(stats, name) for name in ("funded_txo_sum", "spent_txo_sum"))
    if spent > funded:
        raise ValueError(f"more was spent than funded: {spent} of {funded} satoshis")
    return address, (funded - spent) * SATOSHI


def _satoshis(stats: Mapping[str, Any], name: str) -> int:
    """One sum in satoshis; ValueError where it is none."""
    said = stats.get(name)
    if not isinstance(said, int) or isinstance(said, bool) or said < 0:
        raise ValueError(f"{name} is no number of satoshis: {said!r}")
    return said
