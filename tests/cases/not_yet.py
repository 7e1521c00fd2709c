"""Kinds of cases whose figures Folio does not make yet; a test holds that no reader stands beside them."""

NOT_YET: dict[str, str] = {
    "ffn/core: weight cap": "no allocation figures: caps of weights belong to the optimiser",
    "pyportfolioopt/optimizer": "no mean-variance optimiser",
    "pyportfolioopt/discrete_allocation": "no mean-variance optimiser whose weights could be rounded",
    "riskfolio/weights": "no minimum-risk optimiser",
}
"""Why, by `<peer>/<kind>`, or by `<peer>/<kind>: <rule>` for a part of a kind that has a reader."""
