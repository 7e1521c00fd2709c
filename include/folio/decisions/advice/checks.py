"""Checks that a draft must pass before anyone reads it: form, known facts, no own figure, no promise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from folio.decisions.advice.draft import PLACEHOLDER, Draft, Item, cited, render
from folio.decisions.advice.facts import Fact, FactPack
from folio.decisions.advice.menu import Menu

PASSED = ("schema", "menu", "facts", "characters", "numbers", "direction", "promises", "length")
"""Names of the checks, in their order; a finding opens with the name of its check."""

LONGEST_HEADLINE = 90
LONGEST_BODY = 700

TYPOGRAPHY = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00a0")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBER_WORDS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred "
    "hundreds thousand thousands million millions billion billions trillion trillions lakh lakhs crore "
    "crores dozen dozens half halves halved halve halving third thirds quarter quarters fourth fourths "
    "fifth fifths sixth sixths seventh eighth eighths ninth tenth tenths hundredth hundredths once twice "
    "thrice double doubles doubled doubling triple triples tripled quadruple quadrupled twofold threefold "
    "tenfold single couple pair percent percentage pct bps nought nil minus plus "
)
NUMBER_COMPOUND = re.compile(
    r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(one|two|three|four|five|six|seven|eight|nine)\b"
    r"|\b[a-z]+fold\b|\b(per cent|basis points?)\b",
    re.IGNORECASE,
)
ROMAN = re.compile(r"\b[IVXLCDM]{2,}\b")

TOUCHING = re.compile(
    r"\w\{|[+\-\u2013\u2014$%*/^=]\s*\{|\}\s*\{|\}\s*[%*/^]|\}\w|\}\s?(k|m|bn|x|times)\b", re.IGNORECASE
)
"""A sign, a unit, a factor, or another figure at a placeholder would change its own."""

UP = _words(
    "rise rises rose risen rising gain gains gained gaining grow grows grew grown growing climb climbs "
    "climbed increase increases increased increasing up higher improve improves improved improving "
    "outperform outperformed profit profits profited appreciate appreciated advanced jumped soared "
    "rallied positive "
)
DOWN = _words(
    "fall falls fell fallen falling lose loses lost losing loss losses drop drops dropped dropping "
    "decline declines declined declining decrease decreases decreased decreasing down lower worsen "
    "worsened underperform underperformed shrink shrinks shrank shrunk depreciate depreciated slipped "
    "slid plunged sank negative "
)
NEGATIONS = _words("not no never nor neither without hardly barely cannot n't ")

CLAUSE_END = re.compile(r"[.;:!?\n,]|\b(?:but|while|whereas|although|though|and)\b", re.IGNORECASE)
FROM_TO = re.compile(r"from \{([a-z_]+)\} to \{([a-z_]+)\}", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z']+")

_FUTURE_VERBS = (
    "rise|gain|grow|increase|earn|return|yield|outperform|beat|double|recover|profit|appreciate|pay|climb|make|improve"
    "|rebound|deliver|generate"
)
PROMISES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bguarante\w*",
        r"\brisk[- ]?free\b",
        r"\bwithout (any )?risk\b",
        r"\b(no|zero) risk\b",
        r"\bpromis\w*",
        r"\bassur(e|es|ed|ance)\b",
        r"\bcertain(ly|ty)?\b",
        r"\bsure[- ](thing|to|bet)\b|\bsurely\b|\bfor sure\b",
        r"\bsafe bet\b|\bcan(not|'t|\u2019t) (lose|fail)\b",
        r"\bbound to\b|\bdestined to\b",
        rf"\b(will|shall|is going to|are going to|'ll|\u2019ll)\b[^.;!?]*\b({_FUTURE_VERBS})",
        rf"\b(expect|expected|likely|set|poised) to\b[^.;!?]*\b({_FUTURE_VERBS})",
        r"\balways (rise|rises|win|wins|pay|pays|grow|grows|recover|recovers)\b",
        r"\bnever (fall|falls|lose|loses)\b",
        r"\bdouble your\b|\bget rich\b|\bquick profit",
    )
)
FOREIGN = re.compile(r"[<>@`\[\]\\|]|https?:|www\.|\bignore\b.*\binstructions\b", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """Findings of the checks, each opening with its check's name; `draft` where the form could be read."""

    findings: tuple[str, ...]
    draft: Draft | None

    @property
    def passes(self) -> bool:
        """Whether the draft may be shown."""
        return self.draft is not None and not self.findings


def check(answer: str, pack: FactPack, menu: Menu) -> Verdict:
    """Judge a writer's answer, JSON text, against the facts and the menu it was given."""
    try:
        draft = Draft.model_validate_json(answer)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        first = problems[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        return Verdict((f"schema: {where}: {first['msg']} ({len(problems)} in all)",), None)
    return Verdict(tuple(_findings(draft, pack, menu)), draft)


def _findings(draft: Draft, pack: FactPack, menu: Menu) -> Iterator[str]:
    named = [item.menu_id for item in draft.recommendations]
    for menu_id in sorted(set(named) - menu.by_id.keys()):
        yield f"menu: {menu_id!r} is not on the menu"
    if len(set(named)) < len(named):
        yield "menu: an action stands twice"
    for menu_id in sorted(menu.by_id.keys() - set(named)):
        yield f"menu: {menu_id!r} is left out"
    for item in draft.recommendations:
        for part, text in (("headline", item.headline), ("body", item.body)):
            for finding in _of_text(text, pack):
                yield f"{finding} ({item.menu_id}, {part})"
        yield from _lengths(item, pack)


def _of_text(text: str, pack: FactPack) -> Iterator[str]:
    known = pack.by_id
    unknown = sorted(set(cited(text)) - known.keys())
    if unknown:
        yield f"facts: unknown {', '.join(unknown)}"
    bare = PLACEHOLDER.sub(" ", text)
    if "{" in bare or "}" in bare:
        yield "facts: a brace that is no placeholder"
    odd = sorted({c for c in bare if not (" " <= c <= "~" or c in TYPOGRAPHY)})
    if odd:
        yield f"characters: {', '.join(f'U+{ord(c):04X}' for c in odd)} outside plain English text"
    if FOREIGN.search(bare):
        yield "characters: markup, an address or an instruction"
    yield from _numbers(text, bare)
    if not unknown:
        yield from _directions(text, known)
    for promise in PROMISES:
        match = promise.search(bare)
        if match:
            yield f"promises: {match.group(0)!r}"


def _numbers(text: str, bare: str) -> Iterator[str]:
    digits = sorted({c for c in bare if c.isnumeric()})
    if digits:
        yield f"numbers: digits {', '.join(digits)} outside placeholders"
    words = {word.casefold() for word in WORD.findall(bare)} & NUMBER_WORDS
    if words:
        yield f"numbers: {', '.join(sorted(words))} spelled out"
    for pattern in (NUMBER_COMPOUND, ROMAN):
        match = pattern.search(bare)
        if match:
            yield f"numbers: {match.group(0)!r} spelled out"
    if TOUCHING.search(text):
        yield "numbers: something at a placeholder would change its figure"


def _directions(text: str, known: dict[str, Fact]) -> Iterator[str]:
    for clause in CLAUSE_END.split(text):
        words = {word.casefold() for word in WORD.findall(PLACEHOLDER.sub(" ", clause))}
        rising, falling = words & UP, words & DOWN
        if not rising and not falling:
            continue
        said = ", ".join(sorted(rising | falling))
        signs = set(_signs(clause, known))
        if rising and falling:
            yield f"direction: {said} in one clause"
        elif not signs:
            yield f"direction: {said} with no fact that has a direction"
        elif words & NEGATIONS or "n't" in clause or "n\u2019t" in clause:
            yield f"direction: {said} is negated"
        elif signs != {1 if rising else -1}:
            yield f"direction: {said} against the sign of the fact"


def _signs(clause: str, known: dict[str, Fact]) -> Iterator[int]:
    for fact_id in cited(clause):
        sign = known[fact_id].sign
        if sign is not None:
            yield sign
    for start, end in FROM_TO.findall(clause):
        before, after = known[start], known[end]
        if before.unit == after.unit and before.value is not None and after.value is not None:
            yield (after.value > before.value) - (after.value < before.value)


def _lengths(item: Item, pack: FactPack) -> Iterator[str]:
    if set(cited(item.headline + item.body)) - pack.by_id.keys():
        return
    for part, text, longest in (
        ("headline", item.headline, LONGEST_HEADLINE),
        ("body", item.body, LONGEST_BODY),
    ):
        shown = render(text, pack).strip()
        if not shown:
            yield f"length: {part} of {item.menu_id} is empty"
        if len(shown) > longest:
            yield f"length: {part} of {item.menu_id} has {len(shown)} characters, {longest} are allowed"
