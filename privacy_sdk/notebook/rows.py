"""The rows of the panel, one per setting: a control, and beside it what its choice means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.model import words
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.arguments import as_seconds
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListUser,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.notebook.excluded import ExcludedPeople
from privacy_sdk.notebook.html import remark_html
from privacy_sdk.notebook.settings import AccountSettings
from privacy_sdk.notebook.widgets import WidgetFactory, set_children
from privacy_sdk.policies.state import TIMER
from privacy_sdk.views.html import error_text, short, text_html
from privacy_sdk.views.tables import Tone

V = TypeVar("V")

_EXCEPT_SOME = PrivacyValue.CONTACT_BLACKLIST
_LOCKED = "Locked by defense mode; to change it, turn that off first."
_OTHER = "other"
"""The timer's option of a time of one's own."""


class Row(Generic[V]):
    """A setting: what it is set to, what is chosen instead, and remarks about it.

    Attributes:
        key: The category's wire string, or ``"timer"``.
        value: What is set, as last read.
        control: The dropdown; its values are wire strings, or seconds.
        box: The row's widgets.
        remarks: What became of the row's last change, or was changed elsewhere.
    """

    def __init__(
        self,
        key: str,
        label: str,
        settings: AccountSettings,
        make: WidgetFactory,
        on_change: Callable[[str], object],
    ) -> None:
        self.key = key
        self.value = self._value_in(settings)
        self.remarks: list[tuple[str, Tone]] = []
        self.control: Any = make.choice(label, self._options(), self.value)
        self.control.observe(lambda _: on_change(key), "value")
        self._note = make.html()
        self._line = make.box([self.control, self._note], "psdk-line", row=True)
        self.box = make.box([self._line], "psdk-row")

    @property
    @abstractmethod
    def wanted(self) -> V:
        """What is chosen."""

    @property
    def is_changed(self) -> bool:
        """Whether something else is chosen than what is set."""
        return self.wanted != self.value

    @property
    def problem(self) -> str:
        """Why the choice cannot be used; empty when it can."""
        return ""

    @property
    def excluded(self) -> ExcludedPeople | None:
        """Who is excepted, if the choice excepts people."""
        return None

    def update(self, settings: AccountSettings, *, is_own: bool) -> None:
        """Take over what is set now, by the panel's own doing or elsewhere.

        A choice that was not applied yet stays.
        """
        before, chosen, was_changed = self.value, self.control.value, self.is_changed
        self.value = now = self._value_in(settings)
        stays = was_changed and self.wanted != now
        if self._options() != list(self.control.options):
            self.control.options = self._options()
        self.control.value = chosen if stays else now
        if before == now or is_own:
            return
        if was_changed and not stays:
            self.remarks = [("Already set.", Tone.GOOD)]
        else:
            self.remarks.append((f"Changed elsewhere; it was {self._words(before)}.", Tone.CAREFUL))

    def revert(self) -> None:
        """Choose what is set."""
        self.control.value = self.value
        self.remarks.clear()

    def choose(self, value: object) -> None:
        """Choose a value: a wire string, or seconds."""
        self.control.value = value
        self.remarks.clear()

    def show(self, obstacle: str, *, enabled: bool, full: bool, locked: bool = False) -> None:
        """Bring the row's widgets up to date.

        Args:
            obstacle: Why the choice cannot be applied; empty when it can.
            enabled: Whether anything can be chosen now.
            full: Whether to show whole phone numbers.
            locked: Whether defense mode locks the setting.
        """
        remarks = [(text, Tone.BAD) for text in (self.problem, obstacle) if text]
        if locked and not obstacle:
            remarks.append((_LOCKED, Tone.CAREFUL))
        enabled = enabled and not locked
        if self.is_changed:
            now = f"; now: {self._words(self.value)}" if self.wanted != self.value else ""
            remarks.insert(0, (f"Changed, not applied yet{now}.", Tone.PLAIN))
        remarks += self.remarks
        self._note.value = text_html(self._meaning(), 1_000) + "".join(
            remark_html(text, tone) for text, tone in remarks
        )
        self.control.disabled = not enabled
        set_children(self.box, self._line, *self._details(enabled=enabled, full=full))

    def _details(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        """The widgets below the control that the choice needs, brought up to date."""
        yield from ()

    @abstractmethod
    def _value_in(self, settings: AccountSettings) -> V:
        """What is set."""

    @abstractmethod
    def _options(self) -> list[tuple[str, Any]]:
        """What can be chosen, in words; what is set is always among it."""

    @abstractmethod
    def _words(self, value: V) -> str:
        """A value in words."""

    @abstractmethod
    def _meaning(self) -> str:
        """What the choice means for others."""


class SettingRow(Row[PrivacyValue]):
    """The row of a category, with the people who are excepted from it where there can be any.

    ``on_add`` gets the number that was typed, ``on_remove`` the people who were selected.
    """

    def __init__(
        self,
        category: PrivacyCategory,
        settings: AccountSettings,
        make: WidgetFactory,
        on_change: Callable[[str], object],
        on_add: Callable[[SettingRow, str], object],
        on_remove: Callable[[SettingRow, tuple[DisallowedListUser, ...]], object],
        names: AddressBook,
    ) -> None:
        self.category = category
        self._excluded = (
            ExcludedPeople(
                words.label(category),
                make,
                lambda number: on_add(self, number),
                lambda people: on_remove(self, people),
                names,
            )
            if category.supports_disallowed_list()
            else None
        )
        super().__init__(category.value, words.label(category), settings, make, on_change)

    @property
    def wanted(self) -> PrivacyValue:
        """What is chosen."""
        return PrivacyValue(self.control.value)

    @property
    def excluded(self) -> ExcludedPeople | None:
        """Who is excepted, if the choice excepts people."""
        return self._excluded if self._excluded and self.wanted is _EXCEPT_SOME else None

    @property
    def is_changed(self) -> bool:
        """Whether something else is chosen than what is set, or other people."""
        return super().is_changed or bool(self.excluded and self.excluded.is_changed)

    def update(self, settings: AccountSettings, *, is_own: bool) -> None:
        """Take over what is set now, and who is excepted."""
        super().update(settings, is_own=is_own)
        if self._excluded is None:
            return
        before, now = self._excluded.listed, settings.state.lists.get(self.category)
        if self.value is not _EXCEPT_SOME:
            now = DisallowedList()
        self._excluded.update(now, settings.why_unread(self.category))
        if before and now and before.dhash != now.dhash and not is_own:
            self.remarks.append(("Who is excepted was changed elsewhere.", Tone.CAREFUL))

    def choose_people(self, users: Iterable[DisallowedListUser], *, is_added: bool) -> None:
        """Choose to except people, or no longer.

        Raises:
            InvalidInputError: Nobody sees the category, so that excepting somebody would show
                it to all other contacts.
        """
        assert self._excluded is not None  # noqa: S101
        users = tuple(users)
        if not is_added:
            self._excluded.remove(jid for user in users for jid in user.identities)
            return
        if users and self.wanted is not _EXCEPT_SOME:
            if self.wanted not in (PrivacyValue.ALL, PrivacyValue.CONTACTS):
                raise InvalidInputError(
                    f"{words.label(self.category)}: the choice is "
                    f"{self._words(self.wanted)!r}, so there is nobody to except.",
                    hint=f"Choose {words.audience(_EXCEPT_SOME)!r} first, if all other contacts "
                    "may see it.",
                )
            self.control.value = _EXCEPT_SOME.value
        self._excluded.add(users)

    def choose_exactly(self, users: Sequence[DisallowedListUser]) -> None:
        """Choose to except these people, and nobody else."""
        assert self._excluded is not None  # noqa: S101
        kept = {identity for user in users for identity in user.identities}
        gone = [u for u in self._excluded.wanted if kept.isdisjoint(u.identities)]
        self.choose_people(gone, is_added=False)
        self.choose_people(users, is_added=True)

    def revert(self) -> None:
        """Choose what is set, and the people that are excepted."""
        super().revert()
        if self._excluded is not None:
            self._excluded.revert()

    def _details(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        if self.excluded:
            yield self.excluded.show(enabled=enabled, full=full)

    def _value_in(self, settings: AccountSettings) -> PrivacyValue:
        return settings.state.settings[self.category]

    def _options(self) -> list[tuple[str, Any]]:
        options = [(words.audience(value), value.value) for value in self.category.valid_values]
        if self.value not in self.category.valid_values:
            options.append((f"{short(self.value.value)} (unknown)", self.value.value))
        return options

    def _words(self, value: PrivacyValue) -> str:
        return words.audience(value)

    def _meaning(self) -> str:
        people = f" {self.excluded.summary()}" if self.excluded else ""
        return words.meaning(self.category, self.wanted) + people


class TimerRow(Row[int | None]):
    """The row of the default disappearing time; None while it cannot be read."""

    def __init__(
        self, settings: AccountSettings, make: WidgetFactory, on_change: Callable[[str], object]
    ) -> None:
        self._why_unread = settings.why_unread(TIMER)
        super().__init__(TIMER, "Disappearing messages", settings, make, on_change)
        self._other = make.text("Disappear after, as in 2d, 36h or 90m")
        self._other.observe(lambda _: on_change(TIMER), "value")

    @property
    def wanted(self) -> int | None:
        """What is chosen [s]; None when nothing is that can be set."""
        return self._parse()[0]

    @property
    def problem(self) -> str:
        """What is wrong with a time of one's own."""
        return self._parse()[1]

    def _parse(self) -> tuple[int | None, str]:
        if self.control.value != _OTHER:
            return self.control.value, ""
        try:
            return as_seconds(self._other.value), ""
        except InvalidInputError as error:
            return None, error_text(error) if self._other.value else "Write a time below."

    def update(self, settings: AccountSettings, *, is_own: bool) -> None:
        """Take over what is set now."""
        self._why_unread = settings.why_unread(TIMER)
        super().update(settings, is_own=is_own)

    def revert(self) -> None:
        """Choose what is set."""
        super().revert()
        self._other.value = ""

    def choose(self, value: object) -> None:
        """Choose a time [s], of one's own if it is not offered."""
        if value not in dict(self._options()).values():
            self._other.value = f"{value}s"
            value = _OTHER
        super().choose(value)

    def _details(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        if self.control.value == _OTHER:
            self._other.disabled = not enabled
            yield self._other

    def _value_in(self, settings: AccountSettings) -> int | None:
        return settings.state.timer

    def _options(self) -> list[tuple[str, Any]]:
        times = dict(words.TIMER_LABELS)
        if self.value is not None:
            times.setdefault(self.value, words.timer(self.value))
        options: list[tuple[str, Any]] = [(label, seconds) for seconds, label in times.items()]
        if self.value is None:
            options.insert(0, (words.NOT_KNOWN, None))
        return [*options, ("another time", _OTHER)]

    def _words(self, value: int | None) -> str:
        return words.NOT_KNOWN if value is None else words.timer(value)

    def _meaning(self) -> str:
        chosen = self.wanted
        if chosen is None:
            return self._why_unread
        if chosen == 0:
            return "Messages in new chats stay."
        return (
            f"Messages in new chats disappear after {words.timer(chosen)}; "
            "chats that exist keep their own time."
        )
