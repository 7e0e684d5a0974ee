"""Policies: the settings as they should be, checked as a whole before anything is sent."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self, TypeAlias, TypedDict, TypeVar, Unpack, cast

from privacy_sdk.errors import (
    InvalidInputError,
    InvalidPolicyError,
    UnknownNameError,
    short_person,
    short_repr,
)
from privacy_sdk.errors.public import set_module
from privacy_sdk.model import words
from privacy_sdk.model.arguments import (
    CATEGORY_WORDS,
    CategoryLike,
    DurationLike,
    ValueLike,
    as_category,
    as_list_category,
    as_pair,
    as_seconds,
    folded,
)
from privacy_sdk.model.people import (
    Column,
    Frame,
    NameFinder,
    PeopleLike,
    is_missing,
    nobody,
    read_people,
    written,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import Jid, PrivacyCategory, PrivacyValue
from privacy_sdk.support.files import as_path, write_private
from privacy_sdk.views.tables import Cell, Table

T = TypeVar("T")

ExceptionsLike: TypeAlias = Mapping[CategoryLike, PeopleLike]
"""The people to except, by category."""


class PolicyFields(TypedDict, total=False):
    """The fields of a policy, all optional."""

    last: ValueLike
    online: ValueLike
    profile: ValueLike
    status: ValueLike
    groupadd: ValueLike
    readreceipts: ValueLike
    calladd: ValueLike
    messages: ValueLike
    defense: ValueLike
    exceptions: ExceptionsLike
    timer: DurationLike


KEYS: Final = CATEGORY_WORDS | {
    "exceptions": ("except", "people", "disallowed", "blacklist", "disallowed_list"),
    "timer": (words.TIMER, "duration", "disappearing_mode", "default_disappearing_mode"),
}
"""The fields of a policy, each with other words for it, to tell what was meant."""

_OTHERS = {
    folded(word): key
    for key, word in (("exceptions", "exceptions"), ("timer", "timer"), ("timer", words.TIMER))
}


@set_module("privacy_sdk")
class Policy(Mapping[str, PrivacyValue | int]):
    """The settings as they should be; whatever it does not name stays as it is.

    A mapping of wire strings to values, with ``timer`` to seconds; who is to be excepted is its
    attribute :attr:`exceptions`. ``policy | other`` is the policy with what the other names,
    in place of its own value and exceptions. Everything is checked at once, and one error lists
    every problem.

    Args:
        fields: A mapping of the same members as the keywords, such as one read from JSON;
            unknown categories go here, as ``PrivacyCategory.other(…)``. Or a table of settings,
            as :meth:`Client.fetch_privacy_settings` returns it: its column ``value`` is edited
            and planned; or such a column.
        **more: ``last``, ``online``, ``profile``, ``status``, ``groupadd``, ``readreceipts``,
            ``calladd``, ``messages``, ``defense``: a value each. ``exceptions``: exactly the
            people to be excepted, by category, which is then set to
            ``contact_blacklist``; phone numbers, JIDs or LIDs. ``timer``: the default
            disappearing time of new chats, in seconds, as a timedelta, or as
            ``"7d"``; 0 is off.

    Raises:
        InvalidPolicyError: The policy is invalid: unknown names, values that are not allowed,
            people who cannot be meant or are named twice; lists every problem with its place.

    Example:
        >>> policy = Policy(last="none", exceptions={"profile": ["+999 11 555 0101"]}, timer="7d")
        >>> policy
        Policy(last='none', profile='contact_blacklist', exceptions={'profile': 1 person},
               timer=604800)
        >>> policy["last"], policy["timer"]
        (<PrivacyValue.NONE: 'none'>, 604800)
        >>> policy | {"profile": "nobody"}
        Policy(last='none', profile='none', timer=604800)
        >>> Policy(last="contact", call="known")
        Traceback (most recent call last):
        privacy_sdk.errors.InvalidPolicyError: The policy cannot be used: 2 faults.
          last: 'contact' is not a known value. Did you mean 'contacts'?
          call: 'call' is not a known key. Did you mean 'calladd'?
    """

    def __init__(
        self,
        fields: Mapping[Any, Any] | Frame | Column | None = None,
        /,
        **more: Unpack[PolicyFields],
    ) -> None:
        self._use(fields, more)

    def _use(self, fields: object, more: Mapping[str, Any], names: NameFinder = nobody) -> None:
        place: Callable[..., str] = _place
        if not isinstance(fields, dict) and isinstance(fields, Frame | Column):
            fields, place = _settings_of(fields)
        if not isinstance(fields, Mapping | None):
            raise InvalidPolicyError([f"{short_repr(fields)} is not a mapping."])
        if isinstance(fields, Policy) and not more:
            self.__dict__.update(fields.__dict__)
            return
        self._read({**_fields(fields or {}), **more}, place, names=names)

    def _read(
        self,
        fields: Mapping[Any, Any],
        place: Callable[..., str],
        faults: Iterable[str] = (),
        names: NameFinder = nobody,
    ) -> None:
        check = _Check(place, faults, names)
        self._settings, self._exceptions, self._timer = check.read(fields)
        self._notes: tuple[str, ...] = ()
        if check.faults:
            raise InvalidPolicyError(check.faults)

    def __getitem__(self, key: str) -> PrivacyValue | int:
        if key == "timer" and self._timer is not None:
            return self._timer
        return self._settings[cast("PrivacyCategory", key)]  # which equals its wire string

    def __iter__(self) -> Iterator[str]:
        yield from (category.value for category in self._settings)
        if self._timer is not None:
            yield "timer"

    def __len__(self) -> int:
        return len(self._settings) + (self._timer is not None)

    def __or__(self, other: object) -> Policy:
        if not isinstance(other, Mapping | Frame | Column):
            return NotImplemented
        over = Policy(other)
        both = copy.copy(self)
        both._settings = self._settings | over._settings
        kept = {c: each for c, each in self._exceptions.items() if c not in over._settings}
        both._exceptions = kept | over._exceptions
        both._timer = self._timer if over._timer is None else over._timer
        return both

    def __ror__(self, other: object) -> Policy:
        return (
            Policy(other) | self if isinstance(other, Mapping | Frame | Column) else NotImplemented
        )

    @property
    def settings(self) -> Mapping[PrivacyCategory, PrivacyValue]:
        """The values, by category."""
        return MappingProxyType(self._settings)

    @property
    def exceptions(self) -> Mapping[PrivacyCategory, tuple[Jid, ...]]:
        """Exactly the people to be excepted, by category; other lists stay as they are."""
        return MappingProxyType(self._exceptions)

    @property
    def timer(self) -> int | None:
        """The default disappearing time [s]; None leaves it as it is."""
        return self._timer

    @property
    def notes(self) -> tuple[str, ...]:
        """What a snapshot could not hold, and whose the LIDs are; comments in its file."""
        return self._notes

    def with_notes(self, notes: Iterable[str]) -> Self:
        """Return the same policy with other notes."""
        noted = copy.copy(self)
        noted._notes = tuple(notes)
        return noted

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a policy from a YAML file.

        Raises:
            InvalidInputError: Not a path.
            InvalidPolicyError: No such file, another program's file, or an invalid policy;
                lists every problem with its line.
        """
        return cls._loaded(path)

    @classmethod
    def _loaded(cls, path: str | os.PathLike[str], names: NameFinder = nobody) -> Self:
        from privacy_sdk.policies.files import read_text

        return cls._parsed(read_text(as_path(path)), str(path), names)

    @classmethod
    def from_yaml(cls, text: str, *, source: str = "the text") -> Self:
        r"""Parse a policy from a YAML text.

        Args:
            text: A mapping of the keywords of :class:`Policy`.
            source: What to call the text in errors.

        Raises:
            InvalidPolicyError: No policy, or an invalid one; lists every problem with its line.

        Example:
            >>> Policy.from_yaml("last: none\ntimer: 7d")
            Policy(last='none', timer=604800)
            >>> Policy.from_yaml("last: none\nlast: all")
            Traceback (most recent call last):
            privacy_sdk.errors.InvalidPolicyError: The policy cannot be used:
            the text, line 2: 'last' is there a second time; the first is on line 1.
        """
        if not isinstance(text, str):
            raise InvalidPolicyError([f"{short_repr(text)} is not a text."])
        return cls._parsed(text, source)

    @classmethod
    def _parsed(cls, text: str, source: str, names: NameFinder = nobody) -> Self:
        from privacy_sdk.policies.files import read_document

        document, line, faults = read_document(text, source, KEYS)

        def place(*path: object) -> str:
            return f"{source}, line {line(*path)}, {_place(*path)}"

        policy = cls.__new__(cls)
        policy._read(document, place, faults, names)
        return policy

    def to_yaml(self) -> str:
        """Return the policy as a YAML text that :meth:`from_yaml` parses; it names people in full.

        Raises:
            InvalidInputError: A category or value that this version does not know.

        Example:
            >>> print(Policy(defense="off", timer=0).to_yaml(), end="")
            defense: 'off'
            timer: 0
        """
        from privacy_sdk.policies.files import write_document

        if unknown := [
            name.value for pair in self._settings.items() for name in pair if not name.is_known
        ]:
            raise InvalidInputError(
                f"A policy file cannot hold {', '.join(map(repr, unknown))}.",
                hint="This version does not know it, and would refuse the file.",
            )
        document: dict[str, Any] = {
            category.value: value.value for category, value in self._settings.items()
        }
        if self._exceptions:
            document["exceptions"] = {
                category.value: [written(jid) for jid in people]
                for category, people in self._exceptions.items()
            }
        if self._timer is not None:
            document["timer"] = self._timer
        return write_document(document, self._notes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the policy to a YAML file that its owner alone can read, for it names people.

        A file that exists is replaced, whole or not at all, whoever could read it before.

        Raises:
            InvalidInputError: A category or value that this version does not know, not a path,
                or a file that cannot be written; what was there is untouched.
        """
        path, text = as_path(path), self.to_yaml()
        try:
            write_private(path, text.encode())
        except OSError as error:
            raise InvalidInputError(
                f"{str(path)!r} cannot be written: {error.strerror}.",
                hint="Pass the path of a file of your own, in a folder that exists.",
            ) from None

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _repr_html_(self) -> str:
        rows = [
            (words.label(category), words.audience(value))
            for category, value in self._settings.items()
        ]
        rows += [
            (f"{words.label(category)}: except", words.people(len(people)))
            for category, people in self._exceptions.items()
        ]
        if self._timer is not None:
            rows.append((words.TIMER, words.timer(self._timer)))
        cells = [tuple(map(Cell, row)) for row in rows]
        return Table("Policy", ("setting", "wanted"), cells).as_html()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._parts() == other._parts()

    def _parts(self) -> tuple[object, ...]:
        people = {category: frozenset(jids) for category, jids in self._exceptions.items()}
        return self._settings, people, self._timer

    def without(self, categories: Collection[PrivacyCategory | str]) -> Self:
        """Return the policy without what it says of some categories, or of ``"timer"``."""
        rest = copy.copy(self)
        rest._settings = {c: v for c, v in self._settings.items() if c not in categories}
        rest._exceptions = {c: v for c, v in self._exceptions.items() if c not in categories}
        rest._timer = None if "timer" in categories else self._timer
        return rest

    def __repr__(self) -> str:
        parts = [f"{category.value}={value.value!r}" for category, value in self._settings.items()]
        if self._exceptions:
            counts = (
                f"{category.value!r}: {words.people(len(people))}"
                for category, people in self._exceptions.items()
            )
            parts.append(f"exceptions={{{', '.join(counts)}}}")
        if self._timer is not None:
            parts.append(f"timer={self._timer}")
        return f"{type(self).__name__}({', '.join(parts)})"


PolicyLike: TypeAlias = Policy | Mapping[Any, Any] | Frame | Column | str | os.PathLike[str]
"""A policy, a mapping of one, a table of settings, or the path of a YAML file with one."""


def as_policy(policy: PolicyLike, names: NameFinder = nobody) -> Policy:
    """Return a policy as it is, from a mapping or a table, or from the YAML file at a path.

    Raises:
        InvalidPolicyError: None of these, or an invalid policy; lists every problem.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, str | os.PathLike):
        return Policy._loaded(policy, names)
    if isinstance(policy, Mapping | Frame | Column):
        read = Policy.__new__(Policy)
        read._use(policy, {}, names)
        return read
    raise InvalidPolicyError([f"{short_repr(policy)} is no policy, mapping, table or path of one."])


def policy_of(state: SettingsState) -> Policy:
    """Return the policy that restores a state; what it cannot hold is in its notes.

    Example:
        >>> policy_of(SettingsState({PrivacyCategory("pix"): PrivacyValue.ALL}, timer=0)).notes
        ("Left out, not known to this version: 'pix' is 'all'.",)
    """
    settings, notes = {}, []
    for category, value in state.settings.items():
        if category.is_known and category.is_valid_value(value):
            settings[category] = value
        else:
            left = f"{category.value!r} is {value.value!r}"
            notes.append(f"Left out, not known to this version: {left}.")
        if value is PrivacyValue.CONTACT_BLACKLIST and category not in state.lists:
            notes.append(f"Left out, not readable here: the people excepted in {category.value!r}.")
    if state.timer is None:
        notes.append("Left out, not readable here: the default disappearing time.")
    numbers = {user.jid: user.pn_jid for held in state.lists.values() for user in held}
    notes += [f"{jid} is +{phone.user}" for jid, phone in numbers.items() if phone]
    exceptions = {category: [user.jid for user in held] for category, held in state.lists.items()}
    return Policy(settings | {"exceptions": exceptions, "timer": state.timer}).with_notes(notes)


def _place(*path: object) -> str:
    """Return where a part of a policy is: a key, a category of ``exceptions``, a person there."""
    return ".".join(map(str, path[:2])) + "".join(f"[{index}]" for index in path[2:])


def _fields(fields: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return the members of a mapping; of a policy with its exceptions."""
    return {**fields, "exceptions": fields.exceptions} if isinstance(fields, Policy) else fields


def _settings_of(table: Frame | Column) -> tuple[dict[Any, Any], Callable[..., str]]:
    """Return the values of a table of settings by category, and where each stands.

    A row that this version does not know is left out while it stands as it was fetched.

    Raises:
        InvalidPolicyError: No such table, or one category twice.
    """
    column = ""
    if isinstance(table, Frame):
        cells = table.to_dict("list")
        if "value" not in cells:
            raise InvalidPolicyError(
                ["The table has no column 'value'. Edit that of fetch_privacy_settings()."]
            )
        column = ", column 'value'"
        rows = list(
            zip(table.index, cells["value"], cells.get("audience", cells["value"]), strict=True)
        )
    else:
        rows = [(key, value, None) for key, value in table.items()]

    def place(*path: object) -> str:
        return f"row {short_repr(path[0])}{column}"

    settings: dict[Any, Any] = {}
    faults = []
    for key, value, audience in rows:
        if isinstance(key, tuple):
            raise InvalidPolicyError(["A policy is one account's: choose its rows, .loc[account]."])
        if key in settings:
            faults.append(f"{place(key)}: {short_repr(key)} is there a second time.")
        if not (is_missing(value) or _is_unread(key, value, audience)):
            settings[key] = value
    if faults:
        raise InvalidPolicyError(faults)
    return settings, place


def _is_unread(key: object, value: object, audience: object) -> bool:
    """Whether a row holds what this version does not know, just as it was fetched."""
    if not (isinstance(key, str) and isinstance(value, str) and key and value):
        return False
    category, wire = PrivacyCategory(key), PrivacyValue(value)
    is_known = category.is_known and category.is_valid_value(wire)
    return not is_known and audience == words.audience(wire)


class _Check:
    """Parses the fields of a policy and collects every problem."""

    def __init__(self, place: Callable[..., str], faults: Iterable[str], names: NameFinder) -> None:
        self.faults = list(faults)
        self._place = place
        self._names = names

    def of(self, path: tuple[object, ...], read: Callable[..., T], *given: object) -> T | None:
        """Return what ``read`` returns; None, and a problem more, when it raises."""
        try:
            return read(*given)
        except UnknownNameError as error:
            meant = f"Did you mean {error.nearest!r}?" if error.nearest else error.hint
            self._fault(path, error.message, meant)
        except InvalidInputError as error:
            self._fault(path, error.message, error.hint)
        return None

    def read(
        self, fields: Mapping[Any, Any]
    ) -> tuple[
        dict[PrivacyCategory, PrivacyValue], dict[PrivacyCategory, tuple[Jid, ...]], int | None
    ]:
        """Parse all fields: values, people to except, the timer."""
        settings: dict[PrivacyCategory, PrivacyValue] = {}
        people: tuple[object, object] = "exceptions", {}
        timer: tuple[object, Any] = "timer", None
        keys: dict[object, object] = {}
        for key, value in fields.items():
            if (name := self.of((key,), _key, key)) is None:
                continue
            if name in keys:
                self._fault((key,), f"it is {keys[name]!r} a second time.")
            keys[name] = key
            if name == "exceptions":
                people = key, value
            elif name == "timer":
                timer = key, value
            elif value is not None and (pair := self.of((key,), as_pair, name, value)):
                settings.update([pair])
        exceptions = self.exceptions(*people, settings)
        key, seconds = timer
        return (
            settings,
            exceptions,
            None if seconds is None else self.of((key,), as_seconds, seconds),
        )

    def exceptions(
        self, name: object, fields: object, settings: dict[PrivacyCategory, PrivacyValue]
    ) -> dict[PrivacyCategory, tuple[Jid, ...]]:
        """Parse the people to except; adds their categories to ``settings`` if not there."""
        if not isinstance(fields, Mapping):
            self._fault((name,), f"{short_person(fields)} does not map categories to people.")
            return {}
        exceptions = {}
        for key, people in fields.items():
            path = name, key
            if (category := self.of(path, as_list_category, key)) is None:
                continue
            value = settings.setdefault(category, PrivacyValue.CONTACT_BLACKLIST)
            if value is not PrivacyValue.CONTACT_BLACKLIST:
                self._fault(
                    path,
                    f"People are excepted from contacts only, and {category.value!r} "
                    f"is to be {value.value!r}.",
                    f"Leave that out, or make it {PrivacyValue.CONTACT_BLACKLIST.value!r}.",
                )
            if category in exceptions:
                self._fault(path, f"{category.value!r} is there a second time.")
            exceptions[category] = read_people(
                people, partial(self._place, *path), self.faults, self._names
            )
        return exceptions

    def _fault(self, path: tuple[object, ...], *sentences: str) -> None:
        self.faults.append(f"{self._place(*path)}: {' '.join(filter(None, sentences))}")


def _key(key: object) -> PrivacyCategory | str:
    """Return the category, ``exceptions`` or ``timer`` that a key names."""
    if isinstance(key, PrivacyCategory):
        return key
    if isinstance(key, str):
        if other := _OTHERS.get(folded(key)):
            return other
        with suppress(UnknownNameError):
            return as_category(key)
    raise UnknownNameError("key", key, KEYS)


MAXIMUM: Final = Policy(
    last=PrivacyValue.NONE,
    online=PrivacyValue.MATCH_LAST_SEEN,
    profile=PrivacyValue.CONTACTS,
    status=PrivacyValue.CONTACTS,
    groupadd=PrivacyValue.CONTACTS,
    readreceipts=PrivacyValue.NONE,
    calladd=PrivacyValue.CONTACTS,
    messages=PrivacyValue.CONTACTS,
)
"""The specification's "Maximum privacy configuration", setting for setting.

It leaves profile photo, About, groups, calls and messages to contacts, so it *loosens* these
where they are tighter now, and says nothing of defense mode: ``client.plan(MAXIMUM)`` tells what
is looser, ``only="tighter"`` leaves that out, and :data:`STRICTEST` goes further.
"""

STRICTEST: Final = MAXIMUM | {"profile": PrivacyValue.NONE, "status": PrivacyValue.NONE}
"""Everything closed that is known to be closable.

Groups are left to contacts: ``groupadd=none`` is contested; WhatsApp has been seen to answer
success to it and to leave everyone in. Calls and messages accept no less than contacts. Defense
mode, which locks most of these, and the timer stay as they are.

Source:
    The specification's table of values; Evolution API #414 for ``groupadd``.
"""
