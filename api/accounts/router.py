"""Routes under /accounts."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from api.accounts import repository
from api.accounts.schemas import Account
from api.answers import Envelope
from api.errors import not_found
from api.reading import Answer
from api.records import repository as records
from api.records.schemas import Gain, Holding, Lot, Recommendation, Transaction

router = APIRouter(prefix="/accounts", tags=["accounts"])


def account_named(
    reading: Answer,
    account_id: Annotated[str, Path(description="Id or code of the account.", examples=["ACC-001"])],
) -> Account:
    """The account of the path, or the same 404 whether it is absent or hidden."""
    found = repository.account(reading, account_id)
    if found is None:
        raise not_found("account")
    return found


Named = Annotated[Account, Depends(account_named)]


@router.get("", summary="Accounts the key may see", response_model=Envelope[list[Account]])
def list_accounts(reading: Answer) -> Response:
    """Accounts of every visible portfolio, by code."""
    rows, page = repository.accounts(reading)
    return reading.answer(rows, Account, page)


@router.get("/{account_id}", summary="An account", response_model=Envelope[Account])
def get_account(account: Named, reading: Answer) -> Response:
    """Its currency, kind, tax regime, lot method, cash model and flow timing."""
    return reading.answer_one(account)


@router.get("/{account_id}/holdings", summary="Holdings on a day", response_model=Envelope[list[Holding]])
def list_holdings(account: Named, reading: Answer) -> Response:
    """Holdings of `as_of`, or of the publication's day where that is earlier; `valuation_date` says which.

    Stored holdings where there are some (the latest days and month ends), else valued anew from positions,
    cash, prices and rates.
    """
    rows, page = records.holdings(reading, "account_id", account.account_id, account.portfolio_id)
    return reading.answer(rows, Holding, page, records.valuation_date(reading))


@router.get("/{account_id}/transactions", summary="Booked events", response_model=Envelope[list[Transaction]])
def list_transactions(
    account: Named,
    reading: Answer,
    start: Annotated[date | None, Query(alias="start_date", description="First day.")] = None,
    end: Annotated[date | None, Query(alias="end_date", description="Last day, included.")] = None,
) -> Response:
    """Booked events up to `as_of`, the latest first; also those that count in nothing, with the reason."""
    rows, page = records.transactions(reading, "account_id", account.account_id, start, end)
    return reading.answer(rows, Transaction, page)


@router.get("/{account_id}/lots", summary="Open tax lots", response_model=Envelope[list[Lot]])
def list_lots(account: Named, reading: Answer) -> Response:
    """Lots open on the publication's valuation date, the oldest first."""
    then = reading.of_the_day()
    rows, page = records.lots(then, "account_id", account.account_id)
    return then.answer(rows, Lot, page, rows[0].valuation_date if rows else None)


@router.get("/{account_id}/gains", summary="Realised gains", response_model=Envelope[list[Gain]])
def list_gains(account: Named, reading: Answer) -> Response:
    """Each lot that a sale closed, up to `as_of`, the latest sale first."""
    rows, page = records.gains(reading, "account_id", account.account_id)
    return reading.answer(rows, Gain, page)


@router.get(
    "/{account_id}/recommendations", summary="Recommendations", response_model=Envelope[list[Recommendation]]
)
def list_recommendations(account: Named, reading: Answer) -> Response:
    """Ranked actions for the account, with the facts cited."""
    then = reading.of_the_day()
    rows, page = records.recommendations(then, "account_id", account.account_id)
    return then.answer(rows, Recommendation, page)
