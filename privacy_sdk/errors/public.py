"""The module that a public class names as its own: the one that users import it from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T", bound=type)


def set_module(name: str) -> Callable[[T], T]:
    """Return a class decorator that sets ``__module__``, for tracebacks, reprs and pickles.

    Whoever reads the annotations of a record, as pydantic does, looks the names in them up in
    that module, where they need not be; so they are resolved here.

    Example:
        >>> from privacy_sdk.errors import InvalidPairError
        >>> InvalidPairError
        <class 'privacy_sdk.InvalidPairError'>
    """

    def decorate(cls: T) -> T:
        record: Any = cls
        if is_dataclass(record):
            hints = get_type_hints(record)
            record.__annotations__ = {each: hints[each] for each in record.__annotations__}
            for field in fields(record):
                field.type = hints[field.name]
        cls.__module__ = name
        return cls

    return decorate
