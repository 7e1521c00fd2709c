"""Mail templates: HTML with everything escaped, and the plain text beside it."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from folio.delivery.mail import wording

_TEMPLATES = Environment(
    loader=PackageLoader("folio.delivery"),
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters.update(
    money=wording.money,
    percent=wording.percent,
    day=wording.day,
    month=wording.month,
    instant=wording.instant,
)
_TEMPLATES.tests["missing"] = lambda value: isinstance(value, wording.Missing)


def render(name: str, /, **values: Any) -> tuple[str, str]:
    """HTML and plain text of a template pair, `<name>.html` and `<name>.md`; with given values only."""
    html, plain = (_TEMPLATES.get_template(f"{name}.{kind}").render(values) for kind in ("html", "md"))
    return html, plain
