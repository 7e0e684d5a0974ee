"""The cassette as a file: where recordings are, reading one safely, writing an exchange down.

The format is vcrpy's YAML, version 1, which vcrpy plays and records as well. It is read without
vcrpy, which imports every HTTP library there is, and takes a missing, empty or wrongly encoded file
for an empty cassette. Here everything is checked, and an error names the line. Nothing in a file
can make Python do anything: only plain values are built.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from privacy_sdk.errors import RecordingError, short_repr
from privacy_sdk.support.files import as_path
from privacy_sdk.support.yaml import (
    Dialect,
    YamlDocument,
    YamlError,
    YamlList,
    YamlMapping,
    read_yaml,
)

HEADER = "version: 1\ninteractions:\n"
_DIALECT = Dialect("cassette", max_depth=50, is_typed=True)
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


def is_cassette(path: Path) -> bool:
    """Whether a file looks like a cassette, whole or not: it begins a list of interactions."""
    try:
        return re.search(rb"^interactions:", path.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return False


@dataclass(slots=True)
class Recording:
    """What a cassette file holds.

    Attributes:
        path: The file.
        text: All of it.
        document: The same as values that know their lines.
        interactions: vcrpy's ``{"request": …, "response": …}``, in order.
        lines: The line of the file that each one begins at.
        overlaps: Of each, how many behind it were asked before it was answered.
        losses: Of each, whether a change that was never answered was sent before it.
        torn: The line of a last exchange that is not whole and was left out.
    """

    path: Path
    text: str
    document: YamlDocument
    interactions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    overlaps: list[int] = field(default_factory=list)
    losses: list[bool] = field(default_factory=list)
    torn: int | None = None


def read_recording(path: Path) -> Recording:
    """Read and check a cassette file.

    A last exchange that was torn, as by a machine that lost its power, is left out.

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
    try:
        return _parsed(path, text)
    except _FaultError as fault:
        begin = text.rfind("\n-") + 1 if text.startswith(HEADER) else 0
        last = text.count("\n", 0, begin) + 1
        if not (begin and fault.may_be_torn and fault.line >= last):
            raise _wrong(path, fault.line, fault.problem) from None
        if begin <= len(HEADER):
            raise _wrong(path, last, "Its only exchange is not whole.") from None
    recording = _parsed(path, text[:begin])
    recording.torn = last
    return recording


class _FaultError(Exception):
    """What is wrong with a file and where, and whether it looks as if its end were torn off."""

    def __init__(self, line: int, problem: str, *, may_be_torn: bool = False) -> None:
        super().__init__(problem)
        self.line, self.problem, self.may_be_torn = line, problem, may_be_torn


class _Body(str):
    """Text of several lines that stands as it is."""

    __slots__ = ()


class _Dumper(_SafeDumper):  # type: ignore[misc]  # with libyaml where there is one
    pass


_Dumper.add_representer(
    _Body,
    lambda dumper, body: dumper.represent_scalar(
        "tag:yaml.org,2002:str", str(body), style="|" if "\n" in body else "'"
    ),
)


def written(interaction: Mapping[str, Any], **notes: int) -> str:
    """An interaction as it stands in the file: an entry of the list under ``interactions``.

    Args:
        interaction: In vcrpy's shape, with bodies as text.
        notes: What else is to be known of it; vcrpy passes over that.
    """
    request, response = interaction["request"], interaction["response"]
    entry = notes | {
        "request": request | {"body": _Body(request["body"])},
        "response": response | {"body": {"string": _Body(response["body"]["string"])}},
    }
    text: str = yaml.dump([entry], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20)
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


def _parsed(path: Path, text: str) -> Recording:
    try:
        read = read_yaml(text, _DIALECT)
    except YamlError as error:
        is_at_end = error.line > text.rstrip("\n").count("\n")
        raise _FaultError(
            error.line, error.problem, may_be_torn=error.is_syntax and is_at_end
        ) from None
    for line, problem in read.repeated:
        raise _FaultError(line, problem)
    recording = Recording(path, text, read)
    entries = _entries(path, read.value)
    recording.lines = entries.lines
    for entry, line in zip(entries, entries.lines, strict=True):
        try:
            recording.interactions.append(_interaction(entry))
            recording.overlaps.append(_count(entry.get("overlaps", 0)))
            recording.losses.append(_count(entry.get("after_unanswered_change", 0)) > 0)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"Not a whole exchange ({_missing(error)})."
            raise _FaultError(line, problem, may_be_torn=entry is entries[-1]) from None
    if text.startswith(HEADER) and _is_torn(recording.interactions[-1]["response"]):
        raise _FaultError(entries.lines[-1], "Not a whole exchange.", may_be_torn=True)
    return recording


def _entries(path: Path, document: object) -> YamlList:
    if isinstance(document, list):
        raise RecordingError(
            f"{path} is in the format that vcrpy wrote before its version 1.",
            hint="Record again, or convert it with: python -m vcr.migration PATH",
        )
    if not isinstance(document, YamlMapping) or "interactions" not in document:
        raise _FaultError(1, "Not a cassette, which holds `version` and `interactions`.")
    version = document.get("version", 1)
    if not isinstance(version, int | str):
        raise _FaultError(document.lines["version"], "The version of a cassette is a number.")
    if version != 1:
        raise RecordingError(
            f"{path} has format version {short_repr(version)}; this package reads version 1.",
            hint="Record again with this version, or update privacy-sdk.",
        )
    entries = document["interactions"]
    if not isinstance(entries, YamlList) or not entries:
        raise _FaultError(1, "A cassette without exchanges.")
    return entries


def _is_torn(response: Mapping[str, Any]) -> bool:
    """Whether an answer that this package wrote ends before its end."""
    body, code = response["body"]["string"], response["status"]["code"]
    if not body.startswith(b"{"):
        return not body and code != 204
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


def _count(value: object) -> int:
    if isinstance(value, int) and 0 <= value < 2**31:
        return value
    raise ValueError


def _wrong(path: Path, line: int, problem: str) -> RecordingError:
    return RecordingError(
        f"{path}, line {line}: {problem}", hint="Repair that line, or record again."
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
