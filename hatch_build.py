"""The package's page: the README without the links and pictures that only a checkout has."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"<picture>.*?</picture>\n*|!\[[^\]]*\]\((?!https:)[^)]*\)\n*", re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https:|#)[^)]*\)")


def page(readme: str) -> str:
    """Return a README whose links lead somewhere wherever it stands."""
    return _LINK.sub(r"\1", _PICTURE.sub("", readme))


class PackagePage(MetadataHookInterface):
    """Takes the place of ``readme`` in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the text of the page."""
        readme = Path(self.root, "README.md").read_text("utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": page(readme)}
