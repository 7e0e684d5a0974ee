"""The people excepted in a category, as the panel shows and edits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from privacy_sdk.errors.masks import mask_digits
from privacy_sdk.model import words
from privacy_sdk.model.types import DisallowedList, DisallowedListUser, Jid, PrivacyCategory
from privacy_sdk.notebook.panel.look import Look

MOST_SHOWN = 500


class ExcludedEditor:
    """Who is excepted in a category, who is to join them, and who is to leave.

    Its widgets are made when they are first shown.

    Args:
        category: Which list.
        look: What makes the widgets.
        add: Called with the number typed, when a person is to join.
        remove: Called with the people selected, when they are to leave.
    """

    def __init__(
        self,
        category: PrivacyCategory,
        look: Look,
        add: Callable[[str], object],
        remove: Callable[[tuple[Jid, ...]], object],
    ) -> None:
        self.category = category
        self.held: DisallowedList | None = DisallowedList()
        self.unread = ""
        self._joining: dict[Jid, DisallowedListUser] = {}
        self._leaving: set[Jid] = set()
        self._look = look
        self._add, self._remove = add, remove
        self._named: list[tuple[str, Jid]] = []
        self._box: Any = None

    @property
    def is_changed(self) -> bool:
        """Whether anybody is to join or to leave."""
        return bool(self._joining or self._leaving)

    @property
    def wanted(self) -> tuple[DisallowedListUser, ...]:
        """Who is to be excepted."""
        held = self.held or ()
        staying = (user for user in held if user.jid not in self._leaving)
        return (*staying, *self._joining.values())

    def join(self, users: Iterable[DisallowedListUser]) -> None:
        """People are to be excepted."""
        for user in users:
            self._leaving.discard(user.jid)
            self._joining[user.jid] = user
        self._settle()
        if self._box is not None:
            self._number.value = ""

    def leave(self, jids: Iterable[Jid]) -> None:
        """People are not to be excepted any more."""
        for jid in jids:
            self._joining.pop(jid, None)
            self._leaving.add(jid)
        self._settle()

    def take(self, held: DisallowedList | None, unread: str = "") -> None:
        """Show the list as it is now; None when it cannot be read, with the reason."""
        self.held, self.unread = held, unread
        self._settle()

    def revert(self) -> None:
        """Nobody is to join or to leave."""
        self._joining.clear()
        self._leaving.clear()

    def _settle(self) -> None:
        """Forget what is already so."""
        listed = {user.jid for user in self.held or ()}
        self._joining = {j: user for j, user in self._joining.items() if j not in listed}
        self._leaving &= listed

    def summary(self) -> str:
        """How many people are excepted, in words."""
        if self.held is None:
            return self.unread
        count = len(self.held)
        are = "is" if count == 1 else "are"
        parts = [f"{words.people(count)} {are} excepted" if count else "Nobody is excepted"]
        if self._joining:
            parts.append(f"{len(self._joining)} to be added")
        if self._leaving:
            parts.append(f"{len(self._leaving)} to be removed")
        if count > MOST_SHOWN:
            parts.append(f"the first {MOST_SHOWN} are listed")
        return "; ".join(parts) + "."

    def show(self, *, full: bool, enabled: bool) -> Any:
        """The widgets, brought up to date.

        Args:
            full: Whether to show whole phone numbers.
            enabled: Whether they can be used.
        """
        box = self._box or self._make()
        people = [*list(self.held or ())[:MOST_SHOWN], *self._joining.values()]
        named = [(self._name(user, full), user.jid) for user in people]
        if named != self._named:
            self._people.options = self._named = named
        for widget in (self._people, self._number, self._adding, self._removing):
            widget.disabled = not enabled or self.held is None
        children = self._number, self._adding, *([self._people, self._removing] if people else [])
        if children != box.children:
            box.children = children
        return box

    def _name(self, user: DisallowedListUser, full: bool) -> str:
        jid = user.pn_jid or user.jid
        number = jid.user if full else mask_digits(jid.user)
        state = " (to be added)" if user.jid in self._joining else ""
        state = " (to be removed)" if user.jid in self._leaving else state
        return f"{'+' if jid.is_phone else 'without a known number: '}{number}{state}"

    def _make(self) -> Any:
        name = words.label(self.category)
        self._people = self._look.people(f"{name}: people excepted")
        self._number = self._look.text(f"{name}: except the phone number")
        self._adding = self._look.button(
            "Add", lambda: self._add(self._number.value), hint=f"{name}: except this number"
        )
        self._removing = self._look.button(
            "Remove", lambda: self._remove(self._people.value), hint=f"{name}: those selected above"
        )
        self._box = self._look.box([], "psdk-more")
        return self._box
