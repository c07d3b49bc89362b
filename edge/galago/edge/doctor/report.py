"""What was found, for people: the worst first with what to do, then a line of what is well."""

import textwrap
from collections.abc import Iterator

from galago.edge.doctor.examination import Report
from galago.edge.doctor.finding import LEVELS, Finding, Level, worst

WIDTH = 80

_PLURALS: dict[Level, str] = {"error": "errors", "warning": "warnings", "note": "notes"}


def as_text(report: Report, *, everything: bool = False) -> str:
    """`everything`: also each finding that is well."""
    lines = [_machine(report), ""]
    for finding in report.findings:
        if finding.level != "ok":
            lines += [*_told(finding), ""]
    lines += [*_well(report, everything=everything), "", _summary(report)]
    return "\n".join(lines)


def _machine(report: Report) -> str:
    facts = report.machine
    memory = f", {facts['memory_mb']} MB" if facts.get("memory_mb") else ""
    parts = (facts.get("model"), facts.get("architecture"), facts.get("system"))
    return _wrapped(
        f"galago {facts.get('galago')} on {', '.join(part for part in parts if part)}{memory}", ""
    )


def _told(finding: Finding) -> Iterator[str]:
    yield f"{finding.level.upper()}  {finding.name}"
    yield _wrapped(finding.what, "  ")
    if finding.fix:
        yield _wrapped(f"→ {finding.fix}", "  ", more="    ")


def _well(report: Report, *, everything: bool) -> Iterator[str]:
    for group in report.groups:
        if worst(group.findings) in {"error", "warning"} and not everything:
            continue  # what is well in it is not what is of interest
        well = [finding.what for finding in group.findings if finding.level == "ok"]
        for number, what in enumerate(well if everything else well[:1]):
            name = group.name if number == 0 else ""
            more = f" (+{len(well) - 1})" if len(well) > 1 and not everything else ""
            yield _wrapped(f"{what}{more}", f"ok  {name:<15}", more=" " * 19)


def _summary(report: Report) -> str:
    counts = {level: sum(f.level == level for f in report.findings) for level in LEVELS}
    told = [
        f"{counts[level]} {_PLURALS[level] if counts[level] != 1 else level}"
        for level in ("error", "warning", "note")
        if counts[level]
    ]
    return f"{', '.join(told) or 'nothing to complain of'}; {counts['ok']} checks are well"


def _wrapped(text: str, first: str, more: str | None = None) -> str:
    """At most WIDTH columns, unless a word is longer, such as a path: those must stay whole."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if more is None else more,
        break_long_words=False,
        break_on_hyphens=False,
    )
