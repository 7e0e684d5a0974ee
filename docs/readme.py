"""The picture that the README begins with, from the code below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"


def picture() -> str:
    """Return the HTML that a notebook shows for the README's first lines."""
    code = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code[0], names)  # noqa: S102  our own README
    shown: str = names["client"].visibility()._repr_html_()
    return shown
