"""Policies: the settings as they should be, checked as a whole before anything is sent."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self, TypeAlias, TypedDict, TypeVar, Unpack

from privacy_sdk.errors import InvalidInputError, InvalidPolicyError, UnknownNameError, short_repr
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
    parse_duration,
)
from privacy_sdk.model.state import SettingsState
from privacy_sdk.model.types import Jid, PrivacyCategory, PrivacyValue
from privacy_sdk.policies.people import PeopleLike, read_people
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
    timer: DurationLike | str


KEYS: Final = CATEGORY_WORDS | {
    "exceptions": ("except", "people", "disallowed", "blacklist", "disallowed_list"),
    "timer": ("disappearing", "duration", "disappearing_mode", "default_disappearing_mode"),
}
"""The fields of a policy, each with other words for it, to tell what was meant."""


@set_module("privacy_sdk")
class Policy:
    """The settings as they should be; whatever it does not name stays as it is.

    Everything is checked at once, and one error lists every problem.

    Args:
        fields: A mapping of the same members as the keywords, such as one read from JSON;
            unknown categories go here, as ``PrivacyCategory.other(…)``.
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
        >>> Policy(last="none", exceptions={"profile": ["+999 11 555 0101"]}, timer=604_800)
        Policy(last='none', profile='contact_blacklist', exceptions={'profile': 1 person},
               timer=604800)
        >>> Policy(last="none")["last"]
        <PrivacyValue.NONE: 'none'>
        >>> Policy(last="contact", calls="known")
        Traceback (most recent call last):
        privacy_sdk.errors.InvalidPolicyError: The policy cannot be used: 2 faults.
          last: 'contact' is not a known value. Did you mean 'contacts'?
          calls: 'calls' is not a known key. Did you mean 'calladd'?
    """

    def __init__(
        self, fields: Mapping[Any, Any] | None = None, /, **more: Unpack[PolicyFields]
    ) -> None:
        if not isinstance(fields, Mapping | None):
            raise InvalidPolicyError([f"{short_repr(fields)} is not a mapping."])
        self._use({**(fields or {}), **more}, _place)

    def _use(
        self, fields: Mapping[Any, Any], place: Callable[..., str], faults: Iterable[str] = ()
    ) -> None:
        check = _Check(place, faults)
        self._settings = check.settings(fields)
        self._exceptions = check.exceptions(fields.get("exceptions", {}), self._settings)
        timer = fields.get("timer")
        self._timer = None if timer is None else check.of(("timer",), _as_timer, timer)
        self._notes: tuple[str, ...] = ()
        if check.faults:
            raise InvalidPolicyError(check.faults)

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
        from privacy_sdk.policies.files import read_text

        return cls.from_yaml(read_text(as_path(path)), source=str(path))

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
        from privacy_sdk.policies.files import read_document

        if not isinstance(text, str):
            raise InvalidPolicyError([f"{short_repr(text)} is not a text."])
        document, line, faults = read_document(text, source, KEYS)

        def place(*path: object) -> str:
            return f"{source}, line {line(*path)}, {_place(*path)}"

        policy = cls.__new__(cls)
        policy._use(document, place, faults)
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
                category.value: [f"+{jid.user}" if jid.is_phone else str(jid) for jid in people]
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

    def __getitem__(self, category: CategoryLike) -> PrivacyValue:
        return self._settings[as_category(category)]

    def __iter__(self) -> Iterator[PrivacyCategory]:
        return iter(self._settings)

    def _ipython_key_completions_(self) -> list[str]:
        return [category.value for category in self]

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
            rows.append(("Disappearing messages", words.timer(self._timer)))
        cells = [tuple(map(Cell, row)) for row in rows]
        return Table("Policy", ("setting", "wanted"), cells).as_html()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._parts() == other._parts()

    def _parts(self) -> tuple[object, ...]:
        people = {category: frozenset(jids) for category, jids in self._exceptions.items()}
        return self._settings, people, self._timer

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


PolicyLike: TypeAlias = Policy | Mapping[Any, Any] | str | os.PathLike[str]
"""A policy, a mapping of one, or the path of a YAML file with one."""


def as_policy(policy: PolicyLike) -> Policy:
    """Return a policy as it is, from a mapping, or from the YAML file at a path.

    Raises:
        InvalidPolicyError: None of these, or an invalid policy; lists every problem.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, str | os.PathLike):
        return Policy.load(policy)
    if isinstance(policy, Mapping):
        return Policy(policy)
    raise InvalidPolicyError([f"{short_repr(policy)} is no policy, mapping or path of one."])


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


class _Check:
    """Parses the fields of a policy and collects every problem."""

    def __init__(self, place: Callable[..., str], faults: Iterable[str]) -> None:
        self.faults = list(faults)
        self._place = place

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

    def settings(self, fields: Mapping[Any, Any]) -> dict[PrivacyCategory, PrivacyValue]:
        settings: dict[PrivacyCategory, PrivacyValue] = {}
        for key, value in fields.items():
            if isinstance(key, PrivacyCategory) or key in CATEGORY_WORDS:
                if value is not None and (pair := self.of((key,), as_pair, key, value)):
                    settings.update([pair])
            elif key not in KEYS:
                self.of((key,), _refuse_key, key)
        return settings

    def exceptions(
        self, fields: object, settings: dict[PrivacyCategory, PrivacyValue]
    ) -> dict[PrivacyCategory, tuple[Jid, ...]]:
        """Parse the people to except; adds their categories to ``settings`` if not there."""
        if not isinstance(fields, Mapping):
            self._fault(("exceptions",), f"{short_repr(fields)} does not map categories to people.")
            return {}
        exceptions = {}
        for key, people in fields.items():
            path = "exceptions", key
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
            exceptions[category] = read_people(people, partial(self._place, *path), self.faults)
        return exceptions

    def _fault(self, path: tuple[object, ...], *sentences: str) -> None:
        self.faults.append(f"{self._place(*path)}: {' '.join(filter(None, sentences))}")


def _as_timer(timer: DurationLike | str) -> int:
    return parse_duration(timer) if isinstance(timer, str) else as_seconds(timer)


def _refuse_key(key: object) -> None:
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

It says nothing of defense mode, and leaves profile photo, About and groups to contacts.
"""
