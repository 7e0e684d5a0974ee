"""The cassette as a file: where recordings are, reading one safely, writing an exchange down.

The format is vcrpy's YAML, version 1. vcrpy takes a missing, empty or wrongly encoded file for
an empty cassette, so everything is checked here before vcrpy sees it, and an error names the
line. Nothing in a file can make Python do anything: only plain values are built.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from privacy_sdk.errors import RecordingError, short_repr
from privacy_sdk.support.files import as_path
from privacy_sdk.support.yaml import Dialect, YamlError, YamlList, YamlMapping, read_yaml

if TYPE_CHECKING:
    from vcr.cassette import Cassette

HEADER = "version: 1\ninteractions:\n"
_DIALECT = Dialect("cassette", max_depth=50, is_typed=True, has_aliases=True)
_SafeDumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def recordings_folder() -> Path:
    """Where the bundled recordings are: in the package, or beside it in a checkout."""
    packaged = Path(__file__).parents[1].joinpath("_recordings")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "cassettes"


def bundled_recordings() -> tuple[str, ...]:
    """The names of the recordings that come with the package, sorted."""
    return tuple(sorted(path.stem for path in recordings_folder().glob("*.yaml")))


def recording_path(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a recording.

    Args:
        name_or_path: A bare name such as ``"tour"`` is a bundled recording, anything else a
            path.

    Raises:
        InvalidInputError: Not a path.
        RecordingError: There is no such recording; the hint names the bundled ones.
    """
    path = as_path(name_or_path)
    is_name = is_bare_name(name_or_path)
    if is_name:
        path = recordings_folder() / f"{name_or_path}.yaml"
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from None
    what = f"recording {name_or_path!r}" if is_name else f"file {os.fspath(name_or_path)!r}"
    bundled = ", ".join(bundled_recordings()) or "none"
    raise RecordingError(
        f"There is no {what}.",
        hint=f"Bundled recordings: {bundled}. Anything else is the path of a cassette, "
        'such as "cassettes/mine.yaml".',
    )


def is_bare_name(given: object) -> bool:
    """Whether the name of a bundled recording is meant, not a path."""
    return isinstance(given, str) and re.fullmatch(r"[\w-]+", given) is not None


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
        raise _wrong(path, error.object[: error.start].count(b"\n") + 1, "Not UTF-8.") from None
    if not text.strip("\ufeff \t\r\n"):
        raise RecordingError(
            f"{path} is empty.", hint="Delete the file and record again, or restore it."
        )
    recording = _checked(path, _document(path, text))
    if text.startswith(HEADER) and not text.endswith("\n"):
        raise _cut_off(path, recording.lines[-1])
    return recording


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


class _Body(str):
    """Text that is quoted wherever it stands, so that it shows when a file was cut off in it."""

    __slots__ = ()


class _Dumper(_SafeDumper):  # type: ignore[misc]  # with libyaml where there is one
    pass


_Dumper.add_representer(
    _Body,
    lambda dumper, body: dumper.represent_scalar("tag:yaml.org,2002:str", str(body), style="'"),
)


def written(interaction: dict[str, Any]) -> str:
    """An interaction as it stands in the file: an entry of the list under ``interactions``."""
    request, response = interaction["request"], interaction["response"]
    quoted = interaction | {
        "request": request | {"body": _Body(request["body"])},
        "response": response | {"body": {"string": _Body(response["body"]["string"])}},
    }
    text: str = yaml.dump(
        [quoted], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20
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


def _document(path: Path, text: str) -> object:
    try:
        document = read_yaml(text, _DIALECT)
    except YamlError as error:
        begun = _entry_lines(error.document)
        if error.is_syntax and begun and error.line > text.count("\n"):
            raise _cut_off(path, begun[-1]) from None
        raise _wrong(path, error.line, error.problem) from None
    for line, problem in document.repeated:
        raise _wrong(path, line, problem)
    return document.value


def _entry_lines(document: object) -> list[int]:
    entries = document.get("interactions") if isinstance(document, YamlMapping) else None
    return entries.lines if isinstance(entries, YamlList) else []


def _checked(path: Path, document: object) -> Recording:
    if isinstance(document, list):
        raise RecordingError(
            f"{path} is in the format that vcrpy wrote before its version 1.",
            hint="Record again, or convert it with: python -m vcr.migration PATH",
        )
    if not isinstance(document, YamlMapping) or "interactions" not in document:
        raise _wrong(path, 1, "Not a cassette, which holds `version` and `interactions`.")
    version = document.get("version", 1)
    if not isinstance(version, int | str):
        raise _wrong(path, document.lines["version"], "The version of a cassette is a number.")
    if version != 1:
        raise RecordingError(
            f"{path} has format version {short_repr(version)}; this package reads version 1.",
            hint="Record again with this version, or update privacy-sdk.",
        )
    entries = document["interactions"]
    if not isinstance(entries, list) or not entries:
        raise _wrong(path, 1, "A cassette without exchanges.")
    recording = Recording(path, lines=_entry_lines(document))
    for entry, line in zip(entries, recording.lines, strict=True):
        try:
            recording.interactions.append(_interaction(entry))
            recording.people.update(_people(entry.get("people")))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if entry is entries[-1]:
                raise _cut_off(path, line, _missing(error)) from None
            raise _wrong(path, line, f"Not a whole exchange ({_missing(error)}).") from None
    return recording


def _wrong(path: Path, line: int, problem: str) -> RecordingError:
    return RecordingError(
        f"{path}, line {line}: {problem}", hint="Repair that line, or record again."
    )


def _cut_off(path: Path, line: int, why: str = "it was cut off") -> RecordingError:
    return RecordingError(
        f"{path}, line {line}: The last exchange is not whole ({why}).",
        hint="Delete the file from that line on and it is whole again, or record again.",
    )


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
                "message": _text(status.get("message") or ""),
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
        name: [_header(item) for item in (values if isinstance(values, list) else [values])]
        for name, values in (value or {}).items()
    }


def _header(value: object) -> str:
    # Nothing else: the text of lists of aliases of lists has no end.
    return str(value) if isinstance(value, int) else _text(value)


def _people(value: object) -> dict[str, str]:
    return {name: _text(tag) for name, tag in value.items()} if isinstance(value, dict) else {}
