"""Read and write policies as YAML: nothing in a file is run, expanded, or guessed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from privacy_sdk.errors import InvalidPolicyError, short_repr
from privacy_sdk.support.yaml import Dialect, YamlError, YamlMapping, read_yaml

LONGEST = 16 * 2**20
"""The longest policy file that is read [bytes]; four lists of 64,000 people are about half."""

_DIALECT = Dialect("policy", max_depth=3)
_LOOKED_AT = 20


def read_text(path: Path) -> str:
    """Return the text of a file that may be a policy."""
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidPolicyError([f"{short_repr(str(path))} cannot be read: {reason}."]) from None
    if len(raw) > LONGEST:
        raise InvalidPolicyError([f"{path} is longer than {LONGEST // 2**20} MiB."])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidPolicyError([f"{path} is not a text file."]) from None


def read_document(
    text: str, source: str, keys: Mapping[str, Iterable[str]]
) -> tuple[YamlMapping, Callable[..., int], list[str]]:
    """Parse a YAML text: the mapping, the line of each part of it, and keys that it has twice.

    ``keys`` are what a policy may name, each with the words it also goes by.

    Raises:
        InvalidPolicyError: No YAML, or no policy.
    """
    try:
        document = read_yaml(text, _DIALECT)
    except YamlError as error:
        begun = error.document
        if not error.is_syntax and isinstance(begun, YamlMapping) and begun.lines:
            _refuse_other(source, begun, keys)
        fault = f"{source}, line {error.line}: {error.problem}"
        raise InvalidPolicyError([fault]) from None
    value = _refuse_other(source, document.value, keys)
    faults = [f"{source}, line {line}: {problem}" for line, problem in document.repeated]
    return value, document.line, faults


def _refuse_other(source: str, document: object, keys: Mapping[str, Iterable[str]]) -> YamlMapping:
    """Return a mapping that may be a policy, be it one with slips in all of its keys."""
    from difflib import get_close_matches

    if not (document.lines if isinstance(document, YamlMapping) else document):
        what = "It is empty."
    elif not isinstance(document, YamlMapping):
        what = "It holds no mapping."
    else:
        first = list(document.lines)[:_LOOKED_AT]
        spellings = [word for key, words in keys.items() for word in (key, *words)]
        if any(get_close_matches(key.lower(), spellings, n=1, cutoff=0.8) for key in first):
            return document
        if "interactions" in document.lines:
            what = "It is a recording."
        else:
            what = f"It is another program's: it holds {', '.join(map(short_repr, first[:4]))}."
    maps = f"A policy maps some of these: {', '.join(keys)}."
    raise InvalidPolicyError([f"{source} is not a policy. {what} {maps}"])


def write_document(document: Mapping[str, Any], notes: Iterable[str] = ()) -> str:
    """Return a policy, by its keys, as a YAML text with notes as comments above it.

    Example:
        >>> print(write_document({"defense": "off", "timer": 0}, ["Mine."]), end="")
        # Mine.
        defense: 'off'
        timer: 0
    """
    comments = "".join(f"# {note}\n" for note in notes)
    return comments + yaml.safe_dump(dict(document), sort_keys=False)
