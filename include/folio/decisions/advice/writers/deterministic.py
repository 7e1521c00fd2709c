"""The deterministic writer: fixed sentences for each kind of action, in the order of the menu's scores."""

from folio.decisions.advice.draft import Draft, Item
from folio.decisions.advice.menu import Action, Menu

HEADLINES = {
    "rebalance": "Bring the mix back to target",
    "concentration_cut": "Trim the largest holding",
    "cash_drag": "Put idle cash to work",
    "hold": "Keep the holdings as they are",
}

BODIES = {
    "rebalance": (
        "The holdings stand {drift_before} away from their targets, where {drift_band} is allowed."
        " The planned orders in this account ({order_count}) bring the distance to {drift_after}."
        " Trading for the whole plan costs {plan_cost}."
    ),
    "concentration_cut": (
        "The largest holding of this account is {largest_name}, with {largest_weight} of the portfolio."
        " A weight above {concentration_limit} makes the result depend on it;"
        " selling part of it spreads the risk."
    ),
}

CASH_KNOWN = "Cash in this account is {cash_value}, which is {cash_weight} of the portfolio."
CASH_WEIGHT = "Cash in this account is {cash_weight} of the portfolio."
CASH_END = " Above a buffer of {cash_buffer}, cash follows no target; it can be invested according to them."

HOLD = (
    ("account_value", "The account is worth {account_value}."),
    ("portfolio_value", "The whole portfolio is worth {portfolio_value}."),
    ("return_this_year", "Its return since the start of the year is {return_this_year}."),
    ("return_last_year", "Over the last year its return is {return_last_year}."),
    ("value_at_risk", "The value at risk of a day is {value_at_risk}."),
)
HOLD_ALONE = "Nothing else is proposed tonight."
HOLD_AFTER = "No change is the alternative to the above."
HOLD_UNKNOWN = "Not every holding has a price tonight, so nothing is proposed."


def write(menu: Menu) -> Draft:
    """Draft that passes every check, for any menu."""
    return Draft(
        recommendations=tuple(
            Item(menu_id=action.menu_id, headline=HEADLINES[action.kind], body=_body(action, menu))
            for action in menu.actions
        )
    )


def _body(action: Action, menu: Menu) -> str:
    if action.kind == "hold":
        sentences = [sentence for fact_id, sentence in HOLD if fact_id in action.fact_ids]
        if not menu.is_complete:
            sentences.append(HOLD_UNKNOWN)
        elif len(menu.actions) == 1:
            sentences.append(HOLD_ALONE)
        return " ".join(sentences) or HOLD_AFTER
    if action.kind == "cash_drag":
        return (CASH_KNOWN if "cash_value" in action.fact_ids else CASH_WEIGHT) + CASH_END
    return BODIES[action.kind]
