"""The policies that the panel offers to choose."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from privacy_sdk.model.people import NameFinder
from privacy_sdk.policies.policy import MAXIMUM, STRICTEST, Policy, PolicyLike, as_policy

Presets: TypeAlias = Iterable[str | os.PathLike[str]] | Mapping[str, PolicyLike]
"""Paths of policy files, or policies by what they are called."""

_PACKAGED = {"Maximum privacy": MAXIMUM, "Strictest": STRICTEST}


def preset_policies(presets: Presets, names: NameFinder) -> dict[str, Policy]:
    """Policies by the names of their buttons."""
    named: Any = presets
    if not isinstance(presets, Mapping):
        paths = [presets] if isinstance(presets, str | os.PathLike) else presets
        named = {Path(path).stem: path for path in paths}
    return {**_PACKAGED, **{name: as_policy(each, names) for name, each in named.items()}}
