"""What the documentation takes from the program itself, so that it cannot lie: commands and settings.

A hook of MkDocs (mkdocs.yml): replaces `<!-- commands -->` and `<!-- settings -->` in a page.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page's text with the marked places filled; called by MkDocs for every page."""
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", commands())
    if "<!-- settings -->" in markdown:
        markdown = markdown.replace("<!-- settings -->", settings())
    return markdown


def commands() -> str:
    """Every command with its arguments and options, as Markdown below the second level of headings."""
    told = subprocess.run(
        [sys.executable, "-m", "typer", "lvqa.cli.app", "utils", "docs", "--name", "lvqa"],
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout
    # The page has a title of its own; the first heading names the program alone.
    return told.replace("# `lvqa`\n", "## `lvqa`\n", 1)


def settings() -> str:
    """Every setting, its default and what it does, as a table."""
    from lvqa.settings import Settings

    rows = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = f"`{default!r}`" if default not in ("", (), {}) else ""
        told = (field.description or "").replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{name}` | {shown} | {told} |")
    return "\n".join(rows)
