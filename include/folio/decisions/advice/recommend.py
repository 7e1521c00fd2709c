"""Recommendations for one account: ask the model at most twice, check it, fall back on fixed sentences."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from folio.decisions.advice.checks import PASSED, check
from folio.decisions.advice.draft import Draft, cited, render
from folio.decisions.advice.facts import FactPack
from folio.decisions.advice.menu import Menu
from folio.decisions.advice.writers import deterministic
from folio.decisions.advice.writers.model import ModelWriter, NoAnswer
from folio.errors import AdviceError

ATTEMPTS = 2
DETERMINISTIC_VERSION = "sentences-1"
SILENCE_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One question to the model and what came of it: `passed`, the findings, or why there was no answer."""

    attempt: int
    model: str
    prompt_version: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: int
    verdict: str
    is_answered: bool


@dataclass(frozen=True)
class Recommendation:
    """One ranked action as it is shown, with the facts that its text cites."""

    rank: int
    action: str
    headline: str
    body: str
    facts: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Advice:
    """Recommendations of one account, who wrote them, and every call that was made for them."""

    recommendations: tuple[Recommendation, ...]
    writer: Literal["model", "deterministic"]
    model: str | None
    prompt_version: str
    checks: tuple[str, ...]
    calls: tuple[Call, ...]


class Desk:
    """Writes advice for many accounts; stops asking an endpoint that stays silent several times on end."""

    def __init__(self, writer: ModelWriter | None) -> None:
        self.writer = writer
        self.silent = 0

    @property
    def asks(self) -> bool:
        """Whether a model is asked at all."""
        return self.writer is not None and self.silent < SILENCE_LIMIT

    def advise(self, pack: FactPack, menu: Menu) -> Advice:
        """Recommendations that passed every check: the model's own, or else the deterministic writer's.

        Raises
        ------
        AdviceError
            Even the fixed sentences do not pass, so that nothing may be shown.
        """
        calls: list[Call] = []
        complaint: str | None = None
        for attempt in range(1, ATTEMPTS + 1):
            if self.writer is None or not self.asks:
                break
            call, draft = self._ask(self.writer, pack, menu, attempt, complaint)
            calls.append(call)
            complaint = call.verdict if call.is_answered else None
            if draft is not None:
                return _advice(pack, draft, "model", self.writer.model, self.writer.prompt_version, calls)
        draft = deterministic.write(menu)
        verdict = check(draft.model_dump_json(), pack, menu)
        if not verdict.passes:
            raise AdviceError(
                f"account {pack.account_id}: fixed sentences fail: {'; '.join(verdict.findings)}"
            )
        return _advice(pack, draft, "deterministic", None, DETERMINISTIC_VERSION, calls)

    def _ask(
        self, writer: ModelWriter, pack: FactPack, menu: Menu, attempt: int, complaint: str | None
    ) -> tuple[Call, Draft | None]:
        try:
            answer = writer.write(pack, menu, complaint)
        except NoAnswer as silence:
            self.silent += 1
            reason = f"no answer: {silence}"
            return (
                Call(
                    attempt,
                    writer.model,
                    writer.prompt_version,
                    None,
                    None,
                    silence.latency_ms,
                    reason,
                    False,
                ),
                None,
            )
        self.silent = 0
        verdict = check(answer.text, pack, menu)
        call = Call(
            attempt=attempt,
            model=answer.model,
            prompt_version=writer.prompt_version,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            latency_ms=answer.latency_ms,
            verdict="passed" if verdict.passes else "; ".join(verdict.findings),
            is_answered=True,
        )
        return call, verdict.draft if verdict.passes else None


def _advice(
    pack: FactPack,
    draft: Draft,
    writer: Literal["model", "deterministic"],
    model: str | None,
    prompt_version: str,
    calls: list[Call],
) -> Advice:
    known = pack.by_id
    shown = tuple(
        Recommendation(
            rank=rank,
            action=item.menu_id,
            headline=render(item.headline, pack),
            body=render(item.body, pack),
            facts=tuple(
                known[fact_id].as_json() for fact_id in dict.fromkeys(cited(item.headline + item.body))
            ),
        )
        for rank, item in enumerate(draft.recommendations, start=1)
    )
    return Advice(shown, writer, model, prompt_version, PASSED, tuple(calls))


def fingerprint(pack: FactPack, menu: Menu, writer: ModelWriter | None) -> str:
    """SHA-256 of everything that decides advice: facts, menu, and which writer is asked with which prompt."""
    asked = (writer.model, writer.prompt_version) if writer else (None, DETERMINISTIC_VERSION)
    facts = [fact.as_json() | {"sign": fact.sign} for fact in pack.facts]
    actions = [(a.menu_id, a.fact_ids, f"{a.score:f}") for a in menu.actions]
    content = json.dumps([asked, facts, actions, menu.is_complete, pack.client_text], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
