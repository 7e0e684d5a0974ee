"""The people who are excepted from a category, in the panel: listed, to be added, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from privacy_sdk.errors.masks import mask_digits
from privacy_sdk.model import words
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.types import DisallowedList, DisallowedListUser, Jid
from privacy_sdk.notebook.widgets import WidgetFactory, set_children

MOST_LISTED = 500
"""So many excepted people are listed; all are counted."""

_EXAMPLE = "+999 11 555 0101, +999 11 555 0102"


class ExcludedPeople:
    """The people who are excepted from a category, who is to be added, and who removed.

    Its widgets are made when they are first shown.

    Attributes:
        listed: Who is excepted now; None when that cannot be read.
    """

    def __init__(
        self,
        label: str,
        make: WidgetFactory,
        on_add: Callable[[str], object],
        on_remove: Callable[[tuple[DisallowedListUser, ...]], object],
        names: AddressBook,
    ) -> None:
        self._names = names
        self.listed: DisallowedList | None = DisallowedList()
        self._why_unread = ""
        self._added: dict[Jid, DisallowedListUser] = {}
        self._removed: set[Jid] = set()
        self._label, self._make = label, make
        self._on_add, self._on_remove = on_add, on_remove
        self._options: list[tuple[str, Jid]] = []
        self._box: Any = None

    @property
    def is_changed(self) -> bool:
        """Whether anybody is to be added or removed."""
        return bool(self._added or self._removed)

    @property
    def wanted(self) -> tuple[DisallowedListUser, ...]:
        """Who is to be excepted."""
        kept = (user for user in self.listed or () if user.jid not in self._removed)
        return (*kept, *self._added.values())

    def add(self, users: Iterable[DisallowedListUser]) -> None:
        """Choose to except people."""
        for user in users:
            self._removed -= self._listed_as(user.identities)
            self._added[user.jid] = user
        self._drop_redundant()
        if self._box is not None:
            self._number.value = ""

    def remove(self, addresses: Iterable[Jid]) -> None:
        """Choose to except people no longer, by any of their addresses."""
        gone = frozenset(jid.identity for jid in addresses)
        for user in tuple(self._added.values()):
            if not gone.isdisjoint(user.identities):
                del self._added[user.jid]
        self._removed |= self._listed_as(gone)

    def _listed_as(self, identities: frozenset[Jid]) -> set[Jid]:
        """Return the LIDs on the list of people who have any of these identities."""
        return {u.jid for u in self.listed or () if not identities.isdisjoint(u.identities)}

    def update(self, listed: DisallowedList | None, why_unread: str) -> None:
        """Take over who is excepted now; None when that cannot be read, with the reason."""
        self.listed, self._why_unread = listed, why_unread
        self._drop_redundant()

    def revert(self) -> None:
        """Choose neither to add nor to remove anybody."""
        self._added.clear()
        self._removed.clear()

    def _drop_redundant(self) -> None:
        people = self.listed or DisallowedList()
        listed = people.identities
        self._added = {
            jid: user for jid, user in self._added.items() if listed.isdisjoint(user.identities)
        }
        self._removed &= {user.jid for user in people}

    def summary(self) -> str:
        """How many people are excepted, in words."""
        if self.listed is None:
            return self._why_unread
        count = len(self.listed)
        verb = "is" if count == 1 else "are"
        parts = [f"{words.people(count)} {verb} excepted" if count else "Nobody is excepted"]
        if self._added:
            parts.append(f"{len(self._added)} to be added")
        if self._removed:
            parts.append(f"{len(self._removed)} to be removed")
        if count > MOST_LISTED:
            parts.append(f"the first {MOST_LISTED} are listed")
        return "; ".join(parts) + "."

    def show(self, *, enabled: bool, full: bool) -> Any:
        """The widgets, brought up to date."""
        if self._box is None:
            self._make_widgets()
        users = [*list(self.listed or ())[:MOST_LISTED], *self._added.values()]
        options = [(self._name(user, full), user.jid) for user in users]
        if options != self._options:
            self._people.options = self._options = options
        for widget in (self._people, self._number, self._add, self._remove):
            widget.disabled = not enabled or self.listed is None
        people = (self._people, self._remove) if users else ()
        set_children(self._box, self._number, self._add, *people)
        return self._box

    def _name(self, user: DisallowedListUser, full: bool) -> str:
        jid = user.pn_jid or user.jid
        username = user.username and f"@{user.username}" if full else user.masked_username
        called = self._names.name(user) or username
        name = f"{called} " if called else ""
        number = jid.user if full else mask_digits(jid.user)
        number = f"+{number}" if jid.is_phone else f"{number}@{jid.server}"
        state = " (to be added)" if user.jid in self._added else ""
        state = " (to be removed)" if user.jid in self._removed else state
        return f"{name}{number}{state}"

    def _make_widgets(self) -> None:
        label, make = self._label, self._make
        self._people = make.multiple_choice(f"{label}: people excepted")
        self._number = make.lines(f"{label}: except the phone numbers", _EXAMPLE)
        self._add = make.button(
            "Add", lambda: self._on_add(self._number.value), tooltip=f"{label}: except these people"
        )
        self._remove = make.button(
            "Remove",
            lambda: self._on_remove(
                tuple(user for user in self.wanted if user.jid in self._people.value)
            ),
            tooltip=f"{label}: those selected above",
        )
        self._box = make.box([], "psdk-more")
