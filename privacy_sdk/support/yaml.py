"""Read YAML as plain values that know their lines; nothing in a text can make Python do anything.

Values are built from the parser's events, without recursion. ``yaml.compose`` says lines too,
and is bounded in depth since PyYAML 6.0.4, but makes an object of every word: 10 MB of a
cassette are 2.7 s and 167 MB for its nodes alone, 0.9 s and 94 MB for the values here. Without
libyaml, it still ends deep nesting in a RecursionError.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from privacy_sdk.errors import short_repr

_YAML = "tag:yaml.org,2002:"
_TYPED_TAGS = {_YAML + kind for kind in ("str", "map", "seq", "int", "null", "binary")}
_INT = re.compile("0|[1-9][0-9]{0,17}")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of file may hold.

    Attributes:
        name: What such a file is called in errors.
        max_depth: How deep mappings and lists may be nested.
        is_typed: Whether a value may be an int, None or bytes, as it is written or by its tag;
            else every value is text and tags are refused, so that ``off`` is no ``False`` and
            a number keeps its plus sign.
    """

    name: str
    max_depth: int
    is_typed: bool = False


class YamlMapping(dict[str, Any]):
    """A mapping, with the line of every key in ``lines``."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}


class YamlList(list[Any]):
    """A list, with the line of every entry in ``lines``."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: list[int] = []


class YamlError(ValueError):
    """A text is not YAML, or not of its dialect.

    Attributes:
        line: Where.
        problem: What is wrong, in one sentence.
        document: The value of the text as far as it was read.
        is_syntax: Whether it is no YAML at all, as a text is that was cut off.
    """

    def __init__(self, line: int, problem: str, document: object, *, is_syntax: bool) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem
        self.document = document
        self.is_syntax = is_syntax


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What a text says.

    Attributes:
        value: The value; its mappings and lists are :class:`YamlMapping` and :class:`YamlList`.
        repeated: Line and sentence of every key that its mapping had already; the first counts.
    """

    value: object
    repeated: tuple[tuple[int, str], ...]

    def line(self, *path: object) -> int:
        r"""Return the line of the value at a path of keys and indexes, or of what holds it.

        Example:
            >>> document = read_yaml("a: 1\nb:\n- 2\n- 3", Dialect("note", max_depth=2))
            >>> document.line("b"), document.line("b", 1), document.line("b", 1, "deeper")
            (2, 4, 4)
        """
        line: int = 1
        value: Any = self.value
        for step in path:
            try:
                line, value = value.lines[step], value[step]
            except (AttributeError, LookupError, TypeError):
                break
        return line


def read_yaml(text: str, dialect: Dialect) -> YamlDocument:
    r"""Return what a text, one YAML document, says.

    Raises:
        YamlError: It is not YAML, or holds something else.

    Example:
        >>> read_yaml("off: [+7, 007]\noff: 1", Dialect("note", max_depth=2))
        YamlDocument(value={'off': ['+7', '007']},
                     repeated=((2, "'off' is there a second time; the first is on line 1."),))
        >>> read_yaml("a: 1\nb: [[1]]", Dialect("note", max_depth=2))
        Traceback (most recent call last):
        privacy_sdk.support.yaml.YamlError: line 2: A note is nested at most 2 deep.
    """
    reader = _Reader(dialect)
    try:
        loader = _LOADER(text)
        while (event := loader.get_event()) is not None:
            reader.take(event, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # libyaml finds the end of a text on a line of its own.
        line = min(mark.line if mark is not None else 0, text.count("\n")) + 1
        if error.problem == "exceeded maximum nesting depth":  # libyaml's, which reads ahead
            raise reader.too_deep(line) from None
        problem = f"This is not readable as YAML: {error.problem or error.context}."
        raise reader.error(line, problem, is_syntax=True) from None
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        if isinstance(error, UnicodeEncodeError):
            at = error.start
        else:
            at = text.find(chr(error.character))  # libyaml's position counts bytes
        line = text.count("\n", 0, at) + 1
        raise reader.error(line, "YAML does not allow this character.") from None
    return YamlDocument(reader.document, tuple(reader.repeated))


class _Reader:
    """Builds the value of one document from its events."""

    def __init__(self, dialect: Dialect) -> None:
        self.repeated: list[tuple[int, str]] = []
        self._dialect = dialect
        self._root = YamlList()
        self._open: list[YamlMapping | YamlList] = [self._root]
        self._keys: list[str | None] = [None]
        """Of every open mapping, the key whose value comes next."""

    @property
    def document(self) -> object:
        return self._root[0] if self._root else None

    def take(self, event: Any, loader: Any) -> None:
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.NodeEvent):
            value = self._value(event, loader)
            self._add(value, _line(event))
            if isinstance(event, yaml.CollectionStartEvent):
                self._open.append(value)
                self._keys.append(None)
        elif isinstance(event, yaml.DocumentStartEvent) and self._root:
            raise self._refused(event, "A second document begins here.")

    def too_deep(self, line: int) -> YamlError:
        name, depth = self._dialect.name, self._dialect.max_depth
        return self.error(line, f"A {name} is nested at most {depth} deep.")

    def error(self, line: int, problem: str, *, is_syntax: bool = False) -> YamlError:
        return YamlError(line, problem, self.document, is_syntax=is_syntax)

    def _value(self, event: Any, loader: Any) -> Any:
        if event.anchor is not None:
            why = f"Anchors (&) and aliases (*) are not used in a {self._dialect.name}."
            raise self._refused(event, why)
        tag = event.tag
        if tag is not None and tag != "!" and not (self._dialect.is_typed and tag in _TYPED_TAGS):
            why = f"This tag is not used in a {self._dialect.name}: {short_repr(tag)}."
            raise self._refused(event, why)
        value: object
        if isinstance(event, yaml.ScalarEvent):
            value = self._typed(event, loader) if self._dialect.is_typed else event.value
        elif len(self._open) > self._dialect.max_depth:
            raise self.too_deep(_line(event))
        else:
            value = YamlMapping() if isinstance(event, yaml.MappingStartEvent) else YamlList()
        return value

    def _typed(self, event: Any, loader: Any) -> object:
        text: str = event.value
        kind = event.tag
        if kind is None and not event.style:
            kind = loader.resolve(yaml.ScalarNode, text, event.implicit)
        if kind == f"{_YAML}null":
            return None
        if kind == f"{_YAML}binary":
            try:
                return base64.b64decode("".join(text.split()), validate=True)
            except ValueError:
                raise self._refused(event, "This !!binary value is not base64.") from None
        return int(text) if kind == f"{_YAML}int" and _INT.fullmatch(text) else text

    def _add(self, value: object, line: int) -> None:
        parent = self._open[-1]
        if isinstance(parent, YamlList):
            parent.append(value)
            parent.lines.append(line)
        elif (key := self._keys[-1]) is None:
            if not isinstance(value, str):
                raise self.error(line, "A key is a text.")
            self._keys[-1] = value
            if value in parent.lines:
                first = parent.lines[value]
                why = f"{short_repr(value)} is there a second time; the first is on line {first}."
                self.repeated.append((line, why))
            else:
                parent.lines[value] = line
        else:
            parent.setdefault(key, value)
            self._keys[-1] = None

    def _refused(self, event: Any, problem: str) -> YamlError:
        return self.error(_line(event), problem)


def text_between_values(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield what stands in a YAML text and is part of no value, each with its line: comments.

    Args:
        text: What :func:`read_yaml` has read.

    Example:
        >>> list(text_between_values("a: '#1' # one\nb: |- # two\n  # text\n# three"))
        [(1, '# one'), (2, '# two'), (4, '# three')]
    """
    at, line = 0, 1
    for event in _events(text):
        if isinstance(event, yaml.ScalarEvent):
            first, last = cast("Any", event).start_mark, cast("Any", event).end_mark
            begin, end = first.index, last.index
            if event.style in ("|", ">"):  # a comment may stand behind the mark itself
                begin = text.find("\n", begin, end)
                begin = end if begin < 0 else begin
            yield from _no_values(text[at:begin], line)
            at, line = end, last.line + 1
    yield from _no_values(text[at:], line)


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    while (event := loader.get_event()) is not None:
        yield event


_NO_WORDS = re.compile(r"(?:!!(?:str|map|seq|int|null|binary)|[-.\s,:?{}\[\]|>+!\ufeff]|\b\d\b)*")


def _no_values(text: str, line: int) -> Iterator[tuple[int, str]]:
    for number, part in enumerate(text.split("\n"), line):
        if not _NO_WORDS.fullmatch(part):
            yield number, part[max(part.find("#"), 0) :].strip()


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
