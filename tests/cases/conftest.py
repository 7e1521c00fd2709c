"""Show by peer and kind how many cases had their known answer and how many differ on purpose."""

from collections import Counter

import pytest

OUTCOMES = {"passed": "passed", "xfailed": "differ", "skipped": "not yet", "failed": "failed"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a peer and kind."""
    counts: dict[str, Counter[str]] = {}
    for outcome in OUTCOMES:
        for report in terminalreporter.getreports(outcome):
            for name, kind in getattr(report, "user_properties", ()):
                if name == "case":
                    counts.setdefault(str(kind), Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("cases of other tools")
    for kind, outcomes in sorted(counts.items()):
        told = ", ".join(f"{outcomes[name]} {word}" for name, word in OUTCOMES.items() if outcomes[name])
        terminalreporter.write_line(f"{kind}: {told}")
