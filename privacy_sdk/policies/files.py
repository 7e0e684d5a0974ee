"""Policies as YAML, read as text alone: nothing in a file is run, expanded, or guessed at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from privacy_sdk.errors import InvalidInputError, InvalidPolicyError, shown
from privacy_sdk.model.types import Jid

if TYPE_CHECKING:
    from privacy_sdk.policies.policy import Policy

LONGEST = 16 * 2**20
"""The longest policy file that is read [bytes]; four lists of 64,000 people are about half."""

_DEEPEST = 3
_LOOKED_AT = 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path) -> str:
    """The text of a file that may be a policy."""
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidPolicyError([f"{shown(str(path))} cannot be read: {reason}."]) from None
    if len(raw) > LONGEST:
        raise InvalidPolicyError([f"{path} is longer than {LONGEST // 2**20} MiB."])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidPolicyError([f"{path} is not a text file."]) from None


def read_document(
    text: str, source: str, keys: Mapping[str, Iterable[str]]
) -> tuple[dict[str, Any], Callable[..., str], list[str]]:
    """What a YAML text says, where each part of it stands, and keys that are there twice.

    Every scalar is text, so that ``off`` is no ``False`` and a number keeps its plus sign.

    Raises:
        InvalidPolicyError: No YAML, or no policy.
    """
    reader = _Reader(text, source)
    try:
        document = reader.read()
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidPolicyError([f"{source}{line}: This is not YAML: {error.problem}."]) from None
    except yaml.YAMLError as error:
        raise InvalidPolicyError([f"{source} is not a text file: {error}."]) from None
    except InvalidPolicyError:
        if not reader.outermost or _may_be_policy(reader.outermost, keys):
            raise
        document = None
    if not (isinstance(document, dict) and document and _may_be_policy(document, keys)):
        raise InvalidPolicyError(
            [
                f"{source} is not a policy. {_told(document, reader.outermost)} "
                f"A policy maps some of these: {', '.join(keys)}."
            ]
        )

    def place(*path: object) -> str:
        return f"{source}, line {reader.lines[path]}, {'.'.join(map(str, path))}"

    return document, place, reader.faults


def _may_be_policy(outermost: Collection[str], keys: Mapping[str, Iterable[str]]) -> bool:
    """Whether a document with these keys is a policy, be it one with slips in all of them."""
    spellings = [word for key, words in keys.items() for word in (key, *words)]
    return any(
        get_close_matches(key.lower(), spellings, n=1, cutoff=0.8)
        for key in list(outermost)[:_LOOKED_AT]
    )


def _told(document: object, outermost: Sequence[str]) -> str:
    if "interactions" in outermost:
        return "It is a recording."
    if outermost:
        return f"It is another program's: it holds {', '.join(map(shown, outermost[:4]))}."
    return "It holds no mapping." if document else "It is empty."


class _Reader:
    """Makes mappings, lists and texts out of YAML's events, and refuses everything else."""

    def __init__(self, text: str, source: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._source = source
        self.lines: dict[tuple[object, ...], int] = {}
        """On which line each key stands, by its path."""
        self.faults: list[str] = []
        """Keys that are there twice."""

    @property
    def outermost(self) -> list[str]:
        """The keys of the outermost mapping, as far as it was read."""
        return [str(path[0]) for path in self.lines if len(path) == 1]

    def read(self) -> object:
        """The only document."""
        document: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                event = next(self._events)
                if documents > 1:
                    raise self._refused(event, "A second document begins here.")
                document = self._value(event, ())
        return document

    def _value(self, event: Any, path: tuple[object, ...]) -> object:
        if len(path) > _DEEPEST:
            raise self._refused(event, "A policy is not nested that deep.")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._refused(event, "Anchors (&) and aliases (*) are not used in a policy.")
        if event.tag is not None and not (isinstance(event, yaml.ScalarEvent) and event.tag == "!"):
            raise self._refused(event, f"Tags are not used in a policy: {shown(event.tag)}.")
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(path))
        return self._mapping(path)

    def _items(self, path: tuple[object, ...]) -> Iterator[object]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, (*path, 0))

    def _mapping(self, path: tuple[object, ...]) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, path)
            if not isinstance(key, str):
                raise self._refused(event, "A key is a word.")
            line = event.start_mark.line + 1
            first = self.lines.setdefault((*path, key), line)
            value = self._value(next(self._events), (*path, key))
            if mapping.setdefault(key, value) is not value:
                self.faults.append(
                    f"{self._source}, line {line}: {shown(key)} is there a second time; "
                    f"the first is on line {first}."
                )
        return mapping

    def _refused(self, event: Any, why: str) -> InvalidPolicyError:
        return InvalidPolicyError([f"{self._source}, line {event.start_mark.line + 1}: {why}"])


def write_document(policy: Policy) -> str:
    """A policy as a YAML text."""
    unknown = [name.value for pair in policy.settings.items() for name in pair if not name.is_known]
    if unknown:
        raise InvalidInputError(
            f"A policy file cannot hold {', '.join(map(repr, unknown))}.",
            hint="This version does not know it, and would refuse the file.",
        )
    document: dict[str, Any] = {
        category.value: value.value for category, value in policy.settings.items()
    }
    if policy.exceptions:
        document["exceptions"] = {
            category.value: [_written(jid) for jid in people]
            for category, people in policy.exceptions.items()
        }
    if policy.timer is not None:
        document["timer"] = policy.timer
    notes = "".join(f"# {note}\n" for note in policy.notes)
    return notes + (yaml.safe_dump(document, sort_keys=False) if document else "{}\n")


def _written(jid: Jid) -> str:
    return f"+{jid.user}" if jid.is_phone else str(jid)
