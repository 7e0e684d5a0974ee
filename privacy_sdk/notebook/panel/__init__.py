"""The control panel: what is set, what is to be changed, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from privacy_sdk.model.arguments import CategoryLike
from privacy_sdk.model.types import PrivacySetting, PrivacySettingsResponse
from privacy_sdk.notebook.panel.reading import Reading, read
from privacy_sdk.notebook.panel.work import MAY_STILL_TAKE, READING, Work
from privacy_sdk.policies.people import PeopleLike, as_people
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.support.loop import LOOP
from privacy_sdk.views.display import settings_table

if TYPE_CHECKING:
    from privacy_sdk.client import AsyncClient


class Panel:
    """Controls for an account's settings, shown where a notebook shows widgets.

    Made by ``client.panel()``. A choice is a pending change until the Apply button or
    :meth:`apply` sends it. The panel asks and changes in the background, so that other cells
    run meanwhile; whatever it shows can be read and chosen from code all the same.

    Example:
        >>> import privacy_sdk as ps
        >>> panel = ps.Client.emulated().panel()
        >>> panel.controls["last"].value = "none"
        >>> panel.plan
        Plan of 1 change for 'demo'
          setting    from      to      direction
          Last seen  everyone  nobody  tighter
        >>> panel.apply().is_complete
        True
        >>> panel.close()
    """

    def __init__(self, client: AsyncClient, reading: Reading, owner: object = None) -> None:
        self._client = client
        self._work = Work(client, reading, owner)

    @classmethod
    def open(cls, client: AsyncClient, owner: object = None) -> Self:
        """A panel of what is set now.

        Args:
            client: Whose settings they are.
            owner: What must live as long as the panel, as a ``Client`` that would close
                ``client`` with its own end.

        Raises:
            PrivacyError: The settings cannot be read.
        """
        return cls(client, LOOP.run(lambda: read(client.account)), owner)

    @property
    def widget(self) -> Any:
        """The panel as a widget, to be put beside others."""
        return self._work.view.root

    @property
    def controls(self) -> Mapping[str, Any]:
        """The dropdowns, by category and ``"timer"``; their values are wire strings, or seconds."""
        return {key: row.control for key, row in self._work.board.rows.items()}

    @property
    def settings(self) -> PrivacySettingsResponse:
        """What is set, as last read."""
        pairs = self._work.board.reading.standing.settings.items()
        return PrivacySettingsResponse(PrivacySetting(*pair) for pair in pairs)

    @property
    def message(self) -> str:
        """What the panel says of what it does or did last; empty for nothing."""
        return self._work.doing or self._work.said[0]

    @property
    def plan(self) -> Plan:
        """The pending changes.

        Raises:
            InvalidInputError: A choice cannot be used, such as a time that is none.
        """
        return self._work.plan()

    @property
    def applied(self) -> ApplyResult | None:
        """What became of the changes that were applied last; None before."""
        return self._work.applied

    def apply(self) -> ApplyResult:
        """Send the pending changes, and wait for what becomes of them.

        Returns:
            What became of each change; ``undo()`` gives the plan that takes them back.

        Raises:
            OutdatedPlanError: A setting was changed elsewhere meanwhile; nothing was sent, and
                the panel shows what is set now.
            PrivacyError: The changes could not be sent.
            UsageError: The panel is at work, or closed.
        """
        plan = self._work.begin_to_apply()
        return LOOP.run(lambda: self._work.applying(plan), on_interrupt=MAY_STILL_TAKE)

    def refresh(self) -> None:
        """Read what is set now; choices that were not applied yet stay.

        Raises:
            PrivacyError: It cannot be read.
            UsageError: The panel is at work, or closed.
        """
        self._work.begin(READING)
        LOOP.run(self._work.refreshing)

    def revert(self) -> None:
        """Choose what is set; nothing is sent."""
        self._work.revert()

    def exclude(self, category: CategoryLike, people: PeopleLike) -> None:
        """Choose to except people from a category, with the next :meth:`apply`.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            people: One person or several: phone numbers with ``+`` and country code, JIDs
                or LIDs.

        Raises:
            InvalidContactError: Nobody is meant, or somebody is not on WhatsApp.
            InvalidInputError: Nobody sees the category.

        Example:
            >>> import privacy_sdk as ps
            >>> panel = ps.Client.emulated().panel()
            >>> panel.exclude("profile", "+999 11 555 0101")
            >>> panel.plan
            Plan of 2 changes for 'demo'
              setting                from      to                      direction
              Profile photo          everyone  my contacts except…  tighter
              Profile photo: except  0 people  1 person                 tighter
        """
        row, jids = self._work.row(category), as_people(people)
        LOOP.run(lambda: self._work.finding(row, jids, is_to_join=True))

    def include(self, category: CategoryLike, people: PeopleLike) -> None:
        """Choose to except people no longer, with the next :meth:`apply`; see :meth:`exclude`."""
        row, jids = self._work.row(category), as_people(people)
        LOOP.run(lambda: self._work.finding(row, jids, is_to_join=False))

    def close(self) -> None:
        """Take the panel away. Changes that were sent go on; what is only chosen is forgotten."""
        self._work.close()

    def __repr__(self) -> str:
        client = repr(self._client).removeprefix("Async")
        return f"Panel({client}, {self._work.state()})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """The widgets, and the settings as a table for pages where no widget lives."""
        bundle = {} if self._work.is_closed else self.widget._repr_mimebundle_()
        table = settings_table(self.settings, repr(self))
        return {**bundle, "text/plain": repr(self), "text/html": table.as_html()}
