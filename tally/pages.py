"""HTML pages of the tally: no scripts, one style sheet inside the page, and a policy that admits nothing else.

Whatever a page shows is text: it is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup


def render(template: str, style: str, **values: Any) -> str:
    """The page of a template and a style sheet of `tally/templates`; the template gets `style` and `style_hash`."""
    environment = Environment(loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(
        # Our own style sheet, and nothing of an election, goes into the page as it is.
        style=Markup(_file(style)),  # noqa: S704
        style_hash=style_hash(style),
        **values,
    )


def style_hash(style: str) -> str:
    """How a content security policy names a style sheet (CSP level 3, section 2.3.1)."""
    digest = hashlib.sha256(_file(style).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _file(name: str) -> str:
    return resources.files("tally").joinpath("templates", name).read_text(encoding="utf-8")
