"""The rows of the control panel: a control, and beside it what the choice means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.model import words
from privacy_sdk.model.arguments import parse_duration
from privacy_sdk.model.types import (
    DisallowedList,
    DisallowedListUser,
    Jid,
    PrivacyCategory,
    PrivacyValue,
)
from privacy_sdk.notebook.panel.excluded import ExcludedEditor
from privacy_sdk.notebook.panel.look import Look, mark
from privacy_sdk.notebook.panel.reading import TIMER
from privacy_sdk.views.display import error_text, short, text_html
from privacy_sdk.views.tables import Tone

V = TypeVar("V")

OTHER = "other"
"""The timer's choice of a time of one's own."""


class Row(Generic[V]):
    """What is set, what is chosen instead, and what there is to say about it.

    Attributes:
        key: The category's wire string, or that of the timer.
        control: The widget that chooses; its values are wire strings, or seconds.
        value: What is set, as last read.
        box: The row's widgets.
        remarks: What became of the row's last change, or happened elsewhere.
    """

    def __init__(
        self, key: str, label: str, value: V, look: Look, changed: Callable[[str], object]
    ) -> None:
        self.key = key
        self.value = value
        self.remarks: list[tuple[str, Tone]] = []
        self.control: Any = look.choice(label, self._options(), self._chosen(value))
        self.control.observe(lambda _: changed(key), "value")
        self._note = look.html()
        self._line = look.box([self.control, self._note], "psdk-line", row=True)
        self.box = look.box([self._line], "psdk-row")

    @property
    def is_changed(self) -> bool:
        """Whether something else is chosen than what is set."""
        return not self._is_chosen(self.value)

    @property
    def fault(self) -> str:
        """What keeps the choice from being used; empty when nothing does."""
        return ""

    def take(self, value: V, *, is_mine: bool) -> None:
        """Show what is set now; a choice that was not applied yet stays.

        Args:
            value: What is set.
            is_mine: Whether the panel itself may have changed it.
        """
        before, chosen, was_changed = self.value, self.control.value, self.is_changed
        stays = was_changed and not self._is_chosen(value)
        self.value = value
        if self._options() != list(self.control.options):
            self.control.options = self._options()
        self.control.value = chosen if stays else self._chosen(value)
        if before == value or is_mine:
            return
        if was_changed and not stays:
            self.remarks = [("It is so now.", Tone.GOOD)]
        else:
            self.remarks.append((f"Changed elsewhere; it was {self._words(before)}.", Tone.CAREFUL))

    def revert(self) -> None:
        """Choose what is set."""
        self.control.value = self._chosen(self.value)
        self.remarks.clear()

    def show(self, obstacle: str, *, enabled: bool, full: bool) -> None:
        """Bring the row's widgets up to date.

        Args:
            obstacle: Why the choice cannot be applied; empty when it can.
            enabled: Whether the controls can be used.
            full: Whether to show whole phone numbers.
        """
        marks = [(text, Tone.BAD) for text in (self.fault, obstacle) if text]
        if self.is_changed:
            is_other = not self._is_chosen(self.value)
            now = f"; now: {self._words(self.value)}" if is_other else ""
            marks.insert(0, (f"Changed, not applied yet{now}.", Tone.PLAIN))
        said = "".join(mark(text, tone) for text, tone in (*marks, *self.remarks))
        self._note.value = text_html(self._meaning(), 1_000) + said
        self.control.disabled = not enabled
        children = self._line, *self._more(enabled=enabled, full=full)
        if children != self.box.children:
            self.box.children = children

    def _more(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        """What else the choice needs, brought up to date."""
        yield from ()

    def _is_chosen(self, value: V) -> bool:
        return bool(self.control.value == self._chosen(value))

    @abstractmethod
    def _options(self) -> list[tuple[str, Any]]:
        """What can be chosen, in words; what is set is always among it."""

    @abstractmethod
    def _chosen(self, value: V) -> Any:
        """The control's value that stands for a value."""

    @abstractmethod
    def _words(self, value: V) -> str:
        """A value in words."""

    @abstractmethod
    def _meaning(self) -> str:
        """What the choice means for others."""


class SettingRow(Row[PrivacyValue]):
    """A category; if people can be excepted from it, they are shown with it.

    Attributes:
        category: Which one.
        editor: Who is excepted; None for a category that knows no exceptions.
    """

    def __init__(
        self,
        category: PrivacyCategory,
        value: PrivacyValue,
        look: Look,
        changed: Callable[[str], object],
        editor: ExcludedEditor | None,
    ) -> None:
        self.category, self.editor = category, editor
        super().__init__(category.value, words.label(category), value, look, changed)

    @property
    def wanted(self) -> PrivacyValue:
        """What is chosen."""
        return PrivacyValue(self.control.value)

    @property
    def exceptions(self) -> ExcludedEditor | None:
        """Who is excepted, if the choice is one that excepts people."""
        return self.editor if self.wanted is PrivacyValue.CONTACT_BLACKLIST else None

    @property
    def is_changed(self) -> bool:
        """Whether something else is chosen than what is set, or other people."""
        return super().is_changed or bool(self.exceptions and self.exceptions.is_changed)

    def take_list(self, held: DisallowedList | None, unread: str, *, is_mine: bool) -> None:
        """Show who is excepted now; None when that cannot be read, with the reason."""
        if self.editor is None:
            return
        before = self.editor.held
        self.editor.take(held, unread)
        if before and held and before.dhash != held.dhash and not is_mine:
            self.remarks.append(("Who is excepted was changed elsewhere.", Tone.CAREFUL))

    def choose_people(self, leaving: Iterable[Jid], joining: Iterable[DisallowedListUser]) -> None:
        """Choose whom to except, and whom no longer.

        Raises:
            InvalidInputError: Nobody sees the category, so that excepting somebody would show
                it to all other contacts.
        """
        assert self.editor is not None  # noqa: S101
        joining = tuple(joining)
        if joining and self.wanted is not PrivacyValue.CONTACT_BLACKLIST:
            if self.wanted not in (PrivacyValue.ALL, PrivacyValue.CONTACTS):
                raise InvalidInputError(
                    f"{self.key!r} is {self._words(self.wanted)!r}, so nobody is excepted.",
                    hint=f"Choose {PrivacyValue.CONTACT_BLACKLIST.value!r} first, if all other "
                    "contacts may see it.",
                )
            self.control.value = PrivacyValue.CONTACT_BLACKLIST.value
        self.editor.leave(leaving)
        self.editor.join(joining)

    def revert(self) -> None:
        """Choose what is set, and the people that are excepted."""
        super().revert()
        if self.editor:
            self.editor.revert()

    def _more(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        if self.exceptions:
            yield self.exceptions.show(enabled=enabled, full=full)

    def _options(self) -> list[tuple[str, Any]]:
        options = [(words.audience(value), value.value) for value in self.category.valid_values]
        if self.value not in self.category.valid_values:
            options.append((f"{short(self.value.value)} (unknown)", self.value.value))
        return options

    def _chosen(self, value: PrivacyValue) -> Any:
        return value.value

    def _words(self, value: PrivacyValue) -> str:
        return words.audience(value)

    def _meaning(self) -> str:
        people = f" {self.exceptions.summary()}" if self.exceptions else ""
        return words.meaning(self.category, self.wanted) + people


class TimerRow(Row[int | None]):
    """The default disappearing time; None while it cannot be read.

    Attributes:
        other: The field for a time of one's own.
    """

    def __init__(
        self,
        seconds: int | None,
        unread: str,
        look: Look,
        changed: Callable[[str], object],
    ) -> None:
        self._unread = unread
        super().__init__(TIMER, "Disappearing messages", seconds, look, changed)
        self.other: Any = look.text("Disappear after, as in 2d, 36h or 90m")
        self.other.observe(lambda _: changed(TIMER), "value")

    @property
    def wanted(self) -> int | None:
        """What is chosen [s]; None when nothing is that can be set."""
        if self.control.value != OTHER:
            return self.control.value  # type: ignore[no-any-return]
        try:
            return parse_duration(self.other.value)
        except InvalidInputError:
            return None

    @property
    def fault(self) -> str:
        """What is wrong with a time of one's own."""
        if self.control.value != OTHER:
            return ""
        try:
            parse_duration(self.other.value)
        except InvalidInputError as error:
            return error_text(error) if self.other.value else "Write a time below."
        return ""

    def take_timer(self, seconds: int | None, unread: str, *, is_mine: bool) -> None:
        """Show what is set now; None when that cannot be read, with the reason."""
        self._unread = unread
        self.take(seconds, is_mine=is_mine)

    def revert(self) -> None:
        """Choose what is set."""
        super().revert()
        self.other.value = ""

    def _more(self, *, enabled: bool, full: bool) -> Iterator[Any]:
        if self.control.value == OTHER:
            self.other.disabled = not enabled
            yield self.other

    def _is_chosen(self, value: int | None) -> bool:
        is_other = self.control.value == OTHER and not self.fault
        return self.wanted == value if is_other else super()._is_chosen(value)

    def _options(self) -> list[tuple[str, Any]]:
        times = dict(words.TIMER_LABELS)
        if self.value is not None:
            times.setdefault(self.value, words.timer(self.value))
        options: list[tuple[str, Any]] = [(label, seconds) for seconds, label in times.items()]
        if self.value is None:
            options.insert(0, (words.NOT_KNOWN, None))
        return [*options, ("another time", OTHER)]

    def _chosen(self, value: int | None) -> Any:
        return value

    def _words(self, value: int | None) -> str:
        return words.NOT_KNOWN if value is None else words.timer(value)

    def _meaning(self) -> str:
        chosen = self.wanted
        if chosen is None:
            return self._unread
        if chosen == 0:
            return "Messages in new chats stay."
        return (
            f"Messages in new chats disappear after {words.timer(chosen)}; "
            "chats that exist keep their own time."
        )
