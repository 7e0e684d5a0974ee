"""The cassette as a file: where recordings are, reading one safely, writing an exchange down.

The format is vcrpy's YAML, version 1. vcrpy takes a missing, empty or wrongly encoded file for
an empty cassette, so everything is checked here before vcrpy sees it, and an error names the
line. Nothing in a file can make Python do anything: only plain values are built.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from privacy_sdk.errors import RecordingError

if TYPE_CHECKING:
    from vcr.cassette import Cassette

HEADER = "version: 1\ninteractions:\n"
_MAX_DEPTH = 50
_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML = "tag:yaml.org,2002:"
_PLAIN_TAGS = {None, "!"} | {_YAML + kind for kind in ("str", "map", "seq", "int", "null")}
_NO_KEY = object()
_BINARY = f"{_YAML}binary"


def recordings_folder() -> Path:
    """Where the bundled recordings are: in the package, or beside it in a checkout."""
    packaged = Path(__file__).with_name("_recordings")
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "cassettes"


def bundled_recordings() -> tuple[str, ...]:
    """The names of the recordings that come with the package, sorted."""
    return tuple(sorted(path.stem for path in recordings_folder().glob("*.yaml")))


def recording_path(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a recording.

    Args:
        name_or_path: A bare name such as ``"tour"`` is a bundled recording, anything else a
            path.

    Raises:
        RecordingError: There is no such recording; the hint names the bundled ones.
    """
    path = Path(name_or_path)
    is_name = isinstance(name_or_path, str) and re.fullmatch(r"[\w-]+", name_or_path)
    if is_name:
        path = recordings_folder() / f"{name_or_path}.yaml"
    if not path.is_file():
        what = f"recording {name_or_path!r}" if is_name else f"file {os.fspath(name_or_path)!r}"
        bundled = ", ".join(bundled_recordings()) or "none"
        raise RecordingError(
            f"There is no {what}.",
            hint=f"Bundled recordings: {bundled}. Anything else is the path of a cassette, "
            'such as "cassettes/mine.yaml".',
        )
    return path


@dataclass(slots=True)
class Recording:
    """What a cassette file holds.

    Attributes:
        path: The file.
        interactions: vcrpy's ``{"request": …, "response": …}``, in order.
        lines: The line of the file that each one begins at.
        people: Pseudonym to keyed tag, for the people that were recorded on some machine.
    """

    path: Path
    interactions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)


def read_recording(path: Path) -> Recording:
    """Read and check a cassette file.

    Raises:
        RecordingError: It cannot be read, or is no cassette; names file and line.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise _wrong(path, error.object[: error.start].count(b"\n") + 1, "not UTF-8") from None
    if not text.strip("\ufeff \t\r\n"):
        raise RecordingError(
            f"{path} is empty.", hint="Delete the file and record again, or restore it."
        )
    document, lines = _Reader(path).read(text)
    return _checked(path, document, lines)


def load_cassette(recording: Recording) -> Cassette:
    """The vcrpy cassette of a recording, which patches nothing in the process."""
    import vcr
    from vcr.patch import PATCHER_NAMES

    library = vcr.VCR()
    library.register_persister(_Checked(recording))
    with library.use_cassette(
        recording.path, record_mode="none", skip_patchers=PATCHER_NAMES
    ) as cassette:
        loaded: Cassette = cassette
    return loaded


class _Checked:
    """The persister that hands vcrpy what was read and checked already."""

    def __init__(self, recording: Recording) -> None:
        self._interactions = recording.interactions

    def load_cassette(self, path: object, serializer: object) -> tuple[list[Any], list[Any]]:
        from vcr.request import Request

        return (
            [Request(**interaction["request"]) for interaction in self._interactions],
            [interaction["response"] for interaction in self._interactions],
        )


def written(interaction: dict[str, Any]) -> str:
    """An interaction as it stands in the file: an entry of the list under ``interactions``."""
    text: str = yaml.dump(
        [interaction], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20
    )
    return text


def as_text(interaction: dict[str, Any]) -> dict[str, Any]:
    """An interaction that was read, with its bodies as text.

    Raises:
        UnicodeDecodeError: A body is compressed, or is no text.
    """
    request, response = interaction["request"], interaction["response"]
    return {
        "request": request | {"body": (request["body"] or b"").decode()},
        "response": response | {"body": {"string": response["body"]["string"].decode()}},
    }


def _wrong(path: Path, line: int, what: str) -> RecordingError:
    return RecordingError(
        f"{path}, line {line}: {what}.",
        hint="Repair that line or record again; `privacy-sdk cassette check` tells what is wrong.",
    )


class _Reader:
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
            what = f"not readable as YAML: {error.problem or error.context}"
            raise _wrong(self._path, mark.line + 1 if mark else 1, what) from None
        except yaml.YAMLError as error:
            line = text.count("\n", 0, getattr(error, "position", 0)) + 1
            raise _wrong(self._path, line, "a character that YAML does not allow") from None
        if len(root) > 1:
            raise _wrong(self._path, 1, "more than one YAML document")
        return root[0] if root else None, self._lines

    def _open(self, container: object) -> None:
        self._stack.append(container)
        self._keys.append(_NO_KEY)

    def _take(self, event: Any, loader: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event, loader), event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if event.tag not in _PLAIN_TAGS:
                raise self._refused(event)
            if len(self._stack) > _MAX_DEPTH:
                raise self._wrong(event, "nested too deeply")
            container: object = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._add(container, event)
            self._open(container)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._stack.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._wrong(event, "an alias of nothing")
            self._add(self._anchors[event.anchor], event)

    def _add(self, value: object, event: Any) -> None:
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            self._anchors[event.anchor] = value
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
        return _wrong(self._path, event.start_mark.line + 1, what)

    def _refused(self, event: Any) -> RecordingError:
        return self._wrong(event, f"a tag that has no place in a cassette ({event.tag})")


def _checked(path: Path, document: object, lines: list[int]) -> Recording:
    if isinstance(document, list):
        raise RecordingError(
            f"{path} is in the format that vcrpy wrote before its version 1.",
            hint="Record again, or convert it with: python -m vcr.migration PATH",
        )
    if not isinstance(document, dict) or "interactions" not in document:
        raise _wrong(path, 1, "not a cassette, which holds `version` and `interactions`")
    version = document.get("version", 1)
    if version != 1:
        raise RecordingError(
            f"{path} has format version {version!r}; this package reads version 1.",
            hint="Record again with this version, or update privacy-sdk.",
        )
    entries = document["interactions"]
    if not isinstance(entries, list) or not entries:
        raise _wrong(path, 1, "a cassette without exchanges")
    recording = Recording(path, lines=lines)
    for entry, line in zip(entries, lines, strict=True):
        try:
            recording.interactions.append(_interaction(entry))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise _wrong(path, line, f"not a whole exchange ({_missing(error)})") from None
        if isinstance(people := entry.get("people"), dict):
            recording.people.update(people)
    return recording


def _missing(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else "something in it has the wrong type"


def _interaction(entry: dict[str, Any]) -> dict[str, Any]:
    request, response = entry["request"], entry["response"]
    status = response["status"]
    return {
        "request": {
            "method": _text(request["method"]),
            "uri": _text(request["uri"]),
            "body": _body(request.get("body")),
            "headers": _headers(request.get("headers")),
        },
        "response": {
            "status": {
                "code": _code(status["code"]),
                "message": status.get("message") or "",
            },
            "headers": _headers(response.get("headers")),
            "body": {"string": _body(response["body"]["string"]) or b""},
        },
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _code(value: object) -> int:
    if not isinstance(value, int) or not 100 <= value <= 599:
        raise ValueError
    return value


def _body(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return str(value).encode()
    return _text(value).encode()


def _headers(value: Any) -> dict[str, list[str]]:
    return {
        name: [str(item) for item in (values if isinstance(values, list) else [values])]
        for name, values in (value or {}).items()
    }
