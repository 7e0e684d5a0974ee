"""Reading YAML so that nothing in it can do harm, and so that errors name the line.

Only plain values are built, from YAML's events and without recursion: PyYAML's own loaders
crash the process on deep nesting, and do not tell where a value stood.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from privacy_sdk.errors import RecordingError

_MAX_DEPTH = 50
_NO_KEY = object()
_YAML = "tag:yaml.org,2002:"
_BINARY = f"{_YAML}binary"
_PLAIN_TAGS = {None, "!"} | {_YAML + kind for kind in ("str", "map", "seq", "int", "null")}
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def wrong(path: Path, line: int, what: str) -> RecordingError:
    """That a line of a cassette is wrong."""
    return RecordingError(
        f"{path}, line {line}: {what}.", hint="Repair that line, or record again."
    )


def cut_off(path: Path, line: int, why: str = "it was cut off") -> RecordingError:
    """That the last exchange, which begins at a line, is not whole."""
    return RecordingError(
        f"{path}, line {line}: the last exchange is not whole ({why}).",
        hint="Delete the file from that line on and it is whole again, or record again.",
    )


class Reader:
    """Builds plain values from YAML events, without recursion and with line numbers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack: list[Any] = []
        self._keys: list[Any] = []
        self._anchors: dict[str, object] = {}
        self._lines: list[int] = []

    def read(self, text: str) -> tuple[object, list[int]]:
        """The document, and the line of every entry of the list under ``interactions``."""
        root: list[object] = []
        self._open(root)
        try:
            loader = _Loader(text)
            while (event := loader.get_event()) is not None:
                self._take(event, loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line if mark is not None else 0
            if self._lines and line >= text.count("\n"):
                raise cut_off(self._path, self._lines[-1]) from None
            what = f"not readable as YAML: {error.problem or error.context}"
            raise wrong(self._path, line + 1, what) from None
        except yaml.YAMLError as error:
            line = text.count("\n", 0, getattr(error, "position", 0)) + 1
            raise wrong(self._path, line, "a character that YAML does not allow") from None
        if len(root) > 1:
            raise wrong(self._path, 1, "more than one YAML document")
        return root[0] if root else None, self._lines

    def _open(self, container: object) -> None:
        self._stack.append(container)
        self._keys.append(_NO_KEY)

    def _take(self, event: Any, loader: Any) -> None:
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._stack.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._wrong(event, "an alias of nothing")
            self._add(self._anchors[event.anchor], event)
        elif isinstance(event, yaml.NodeEvent):
            value = self._begun(event, loader)
            if event.anchor:
                self._anchors[event.anchor] = value
            self._add(value, event)
            if isinstance(value, (dict, list)):
                self._open(value)

    def _begun(self, event: Any, loader: Any) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, loader)
        if event.tag not in _PLAIN_TAGS:
            raise self._refused(event)
        if len(self._stack) > _MAX_DEPTH:
            raise self._wrong(event, "nested too deeply")
        return {} if isinstance(event, yaml.MappingStartEvent) else []

    def _add(self, value: object, event: Any) -> None:
        parent = self._stack[-1]
        if isinstance(parent, list):
            if len(self._stack) == 3 and self._is_interactions(parent):
                self._lines.append(event.start_mark.line + 1)
            parent.append(value)
        elif self._keys[-1] is _NO_KEY:
            if not isinstance(value, str):
                raise self._wrong(event, "a key that is not text")
            self._keys[-1] = value
        else:
            parent[self._keys[-1]] = value
            self._keys[-1] = _NO_KEY

    def _is_interactions(self, container: object) -> bool:
        document = self._stack[1]
        return isinstance(document, dict) and document.get("interactions") is container

    def _scalar(self, event: Any, loader: Any) -> object:
        text: str = event.value
        if event.tag == _BINARY:
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except ValueError:
                raise self._wrong(event, "a !!binary value that is not base64") from None
        if event.tag not in _PLAIN_TAGS:
            raise self._refused(event)
        kind = event.tag
        if kind is None and not event.style:
            kind = loader.resolve(yaml.ScalarNode, text, event.implicit)
        if kind == f"{_YAML}null":
            return None
        return int(text) if kind == f"{_YAML}int" and text.isdecimal() else text

    def _wrong(self, event: Any, what: str) -> RecordingError:
        return wrong(self._path, event.start_mark.line + 1, what)

    def _refused(self, event: Any) -> RecordingError:
        return self._wrong(event, f"a tag that has no place in a cassette ({event.tag})")
