"""``Client``: every method of ``AsyncClient``, as a blocking call."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast

from privacy_sdk.accounts.base import PATIENCE, Account, Emulator, require
from privacy_sdk.accounts.events import Event
from privacy_sdk.client import AsyncClient
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.model.arguments import CategoryLike, ListCategoryLike, as_list_category
from privacy_sdk.support.loop import LOOP
from privacy_sdk.support.names import NamesLike

if TYPE_CHECKING:
    import pandas as pd

    from privacy_sdk.cassettes.transport import RecordMode
    from privacy_sdk.notebook.link import Link
    from privacy_sdk.notebook.panel import Panel
    from privacy_sdk.notebook.presets import Presets

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound="Client")

MAY_STILL_TAKE = (
    "The change may already have been sent, and may still take: fetch before repeating it."
)


def _blocking(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]], *, changes: bool = False
) -> Callable[Concatenate[Client, P], T]:
    """Return a method of ``AsyncClient`` as a blocking call, with its signature and docstring."""
    note = MAY_STILL_TAKE if changes else ""

    @functools.wraps(method)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return LOOP.run(lambda: method(self._async, *args, **kwargs), on_interrupt=note)

    return call


def _iterating(
    method: Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    """Return what a method of ``AsyncClient`` yields as a blocking iterator, likewise."""

    @functools.wraps(method)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = method(self._async, *args, **kwargs)
        end = object()

        async def following() -> T | object:
            return await anext(found, end)

        try:
            while (each := LOOP.run(following)) is not end:
                yield cast("T", each)
        finally:
            LOOP.discard(found.aclose)

    return call


def discard_open(owner: object, clients: Iterable[AsyncClient]) -> None:
    """Close what the owner of some clients left open, and warn of it."""
    if sys.is_finalizing():  # all was closed before, and what tells may have to be imported
        return
    for client in clients:
        if client.is_open:
            LOOP.discard(client.aclose)
            warnings.warn(f"unclosed {owner!r}", ResourceWarning, stacklevel=3, source=owner)


class _Constructor(Protocol[P]):
    """How a class method of a client is called, on it or on a subclass."""

    def __get__(self, client: object, cls: type[C], /) -> Callable[P, C]: ...


def _constructor(make: Callable[P, AsyncClient]) -> _Constructor[P]:
    """Return a class method of ``AsyncClient`` that makes a ``Client``, likewise."""

    @functools.wraps(cast("MethodType", make).__func__)
    def construct(cls: type[Client], /, *args: P.args, **kwargs: P.kwargs) -> Client:
        return cls._over(make(*args, **kwargs))

    return cast("_Constructor[P]", classmethod(construct))


class BlockingAccount:
    """The account behind a ``Client``: its id, and events when it is emulated.

    Whatever else an account can do, the client's own methods do; who wants the account itself
    makes it and passes it to :meth:`Client.from_account`.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def id(self) -> str | None:
        """Its name on the gateway; None while that is not known."""
        return self._account.id

    def emulate(self, event: Event) -> None:
        """Make something happen to an emulated account: a change on the phone, a bad answer.

        Args:
            event: A ``PhoneSets``, ``PhoneLists`` or ``NextAnswer``.

        Raises:
            NotSupportedError: The account is not emulated.
            PrivacyError: As for the methods of :class:`~privacy_sdk.AsyncClient`.
        """
        emulator = require(self._account, Emulator)
        LOOP.run(lambda: emulator.emulate(event))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


@set_module("privacy_sdk")
class Client:
    """WhatsApp's account-privacy settings, for notebooks and scripts.

    Works in a script, in any thread, and in a notebook's cell while its event loop runs.
    Every method is that of :class:`~privacy_sdk.AsyncClient`, which lists the errors that each
    can raise, as a blocking call; :meth:`fetch_privacy_settings` and :meth:`excluded` also turn
    the answer into a DataFrame.

    Args:
        url: Address of a gateway; PRIVACY_SDK_URL by default, else whichever of yours on this
            machine serves the account.
        token: Its token; PRIVACY_SDK_TOKEN by default. Yours on this machine needs none.
        account: Name of the account there; PRIVACY_SDK_ACCOUNT or the only one.
        timeout: How long one answer may take [s].
        wait: How long to wait for a gateway that is starting, and for its connection to
            WhatsApp [s].
        ca: PEM file of the certificates to trust; PRIVACY_SDK_CA, SSL_CERT_FILE or the usual
            ones by default.
        record: Path of a new cassette that every exchange is written to; PRIVACY_SDK_RECORD by
            default.
        record_mode: What becomes of a cassette that exists: None refuses it, ``once`` replays
            it, ``all`` records anew in its place.
        insecure: Whether ``http://`` may go to another machine, with the token in clear.
        names: What you call people: a mapping of names to phone numbers, or the path of a CSV
            or vCard file of contacts. Tables, plans, the panel and errors then name people, and
            ``exclude("profile", "Ana")`` finds her. Never sent, recorded or logged.
        name: What the history calls this client; else the notebook's or the program's name.

    With PRIVACY_SDK_REPLAY set to the path of a cassette, every client answers from that.

    Example:
        >>> import privacy_sdk as ps
        >>> client = ps.Client.emulated()
        >>> client.set_privacy_setting("last", "contacts")
        Last seen: my contacts
        >>> client.fetch_privacy_settings().loc["last", "audience"]
        'my contacts'
    """

    _async: AsyncClient

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        account: str | None = None,
        timeout: float = 30.0,
        wait: float = 0.0,
        ca: str | os.PathLike[str] | None = None,
        record: str | os.PathLike[str] | None = None,
        record_mode: RecordMode = None,
        insecure: bool = False,
        names: NamesLike | None = None,
        name: str | None = None,
    ) -> None:
        self._async = AsyncClient(
            url,
            token=token,
            account=account,
            timeout=timeout,
            wait=wait,
            ca=ca,
            record=record,
            record_mode=record_mode,
            insecure=insecure,
            names=names,
            name=name,
        )

    from_account = _constructor(AsyncClient.from_account)
    emulated = _constructor(AsyncClient.emulated)
    replay = _constructor(AsyncClient.replay)

    @classmethod
    def _over(cls, client: AsyncClient) -> Self:
        facade = cls.__new__(cls)
        facade._async = client
        return facade

    @property
    def account(self) -> BlockingAccount:
        """The account behind the client, for a script that does not await: its id, and events.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.account
            BlockingAccount('demo')
            >>> client.account.emulate(ps.testing.NextAnswer("not_applied"))
            >>> client.set_privacy_setting("last", "none")
            Traceback (most recent call last):
            privacy_sdk.NotAppliedError: 'none' for 'last' was not applied. ...
        """
        return BlockingAccount(self._async.account)

    @property
    def names(self) -> AddressBook:
        """What people are called here; nothing of it is sent, recorded or logged.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated(names={"Ana": "+999 11 555 0101"})
            >>> client.exclude("profile", "Ana")
            Profile photo: my contacts except 1 person (was: everyone) (dhash ...)
            >>> client.excluded("profile")
              name   number          jid
            0  Ana  99•••01  99•••01@lid
        """
        return self._async.names

    def fetch_privacy_settings(
        self, *, allowed: bool = False, details: bool = False
    ) -> pd.DataFrame:
        """Fetch all settings that the server reports, as a table.

        Args:
            allowed: Whether to add a column of the values that may be set.
            details: Whether to ask for the timer and the lists as well, for ``attrs``.

        Returns:
            DataFrame (n, 4), one row per category, index ``category`` (str, wire strings):

            - ``setting`` (str): what WhatsApp's own settings call it,
            - ``audience`` (str): who is meant, in words,
            - ``exposure`` (Int64): 4 all, 3 known, 2 contacts, 1 contact_blacklist, 0 none;
              ``match_last_seen`` is that of ``last``; <NA> for defense and unknown values,
            - ``value`` (str): wire string of the value,
            - ``allowed`` (str), where asked for: wire strings of the values that may be set;
              ``any`` for an unknown category.

            ``attrs`` hold ``account`` and ``fetched_at`` (ISO 8601, UTC), of a replay its
            ``recording``, too; with ``details`` the ``timer`` [s] and how many people are
            ``excepted``, by category. Categories that this version does not know are rows like
            others.

        Source:
            ``fetch_privacy_settings`` of the specification.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> client.fetch_privacy_settings().loc[["last", "status"]]
                        setting     audience  exposure     value
            category
            last      Last seen     everyone         4       all
            status        About  my contacts         2  contacts
            >>> client.fetch_privacy_settings(allowed=True).loc["online", "allowed"]
            'all, match_last_seen'
            >>> client.fetch_privacy_settings(details=True).attrs["timer"]
            0
        """
        from privacy_sdk.views.frames import settings_frame

        seen = LOOP.run(self._async.visibility) if details else None
        response = seen.settings if seen else LOOP.run(self._async.fetch_privacy_settings)
        recording = self._async.recording
        frame = settings_frame(
            response,
            account=self._async.account.id,
            allowed=allowed,
            recording=None if recording is None else recording.name,
            recorded_at=None if recording is None else recording.recorded_at,
        )
        frame.attrs.update(seen.details() if seen else {})
        return frame

    def excluded(self, category: ListCategoryLike, *, masked: bool = True) -> pd.DataFrame:
        """Fetch the people excepted in a category, as a table.

        Args:
            category: ``last``, ``profile``, ``status`` or ``groupadd``.
            masked: Whether to hide most digits; False shows whole numbers, for
                :meth:`include` to take.

        Returns:
            DataFrame (n, 2), one row per person, in the server's order:

            - ``number`` (string): the phone number; <NA> when WhatsApp does not say it,
            - ``jid`` (str): the address, a LID.

            With ``names=``, and where WhatsApp says a username, ``name`` (string) comes first.

            Empty while the category is not on ``contact_blacklist``. ``attrs`` hold
            ``account``, ``category`` and ``dhash``.

        Raises:
            UnknownNameError: A string that names no category.
            NoDisallowedListError: The category has no list.
            NotSupportedError: The account cannot read lists.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.exclude("last", "+999 11 555 0101")
            >>> client.excluded("last")
                number          jid
            0  99•••01  99•••01@lid
        """
        from privacy_sdk.views.frames import excluded_frame

        people = LOOP.run(lambda: self._async.excluded(category))
        return excluded_frame(
            people,
            self._async.names,
            masked=masked,
            account=self._async.account.id,
            category=as_list_category(category).value,
        )

    def history(
        self, since: str | datetime | None = None, category: CategoryLike | None = None
    ) -> pd.DataFrame:
        """Fetch what was changed, when and by whom, as a table.

        What was made here, and what was noticed when the settings were read. The gateway keeps
        the journal; an account in this process, for as long as that lives.

        Args:
            since: From when on, such as ``"2026-11-24 18:00"``; without a zone local time.
            category: Of which setting.

        Returns:
            DataFrame (n, 7), one row per change, oldest first:

            - ``at`` (datetime64[us, UTC]): when it was made, or noticed,
            - ``setting`` (str): what WhatsApp's own settings call it,
            - ``category`` (str): wire string; <NA> for the timer,
            - ``from``, ``to`` (str): wire strings, numbers of people, or seconds; <NA> where
              not known,
            - ``by`` (str): the client's name; ``phone or elsewhere``,
            - ``outcome`` (str): applied, refused, unknown, not_tried; noticed.

        Raises:
            InvalidInputError: No time, or one to come.
            UnknownNameError: A string that names no category.
            NotSupportedError: No journal is kept.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> response = client.set_privacy_setting("last", "contacts")
            >>> client.history()[["setting", "from", "to", "outcome"]]
                 setting from        to  outcome
            0  Last seen  all  contacts  applied
        """
        from privacy_sdk.views.frames import history_frame

        entries = LOOP.run(lambda: self._async.history(since, category))
        return history_frame(entries, account=self._async.account.id)

    def panel(self, *, presets: Presets = ()) -> Panel:
        """Return controls for the settings: see, choose, apply; shown at the end of a cell.

        It shows at once what is changed: through this client, and by others and on the phone where
        a journal is kept. While recording or replaying, it follows this client alone.

        Args:
            presets: Policies to choose from by a button, beside those of the package: paths of
                their files, or policies by what they are called.

        Raises:
            InvalidPolicyError: A preset is invalid; lists every problem.
            PrivacyError: The settings cannot be read.

        Example:
            >>> import privacy_sdk as ps
            >>> panel = ps.Client.emulated().panel()
            >>> panel.controls["last"].value = "contacts"
            >>> panel.apply()
            Applied to 'demo': 1 applied
              setting    from      to           direction  outcome  reason
              Last seen  everyone  my contacts  tighter    applied
        """
        from privacy_sdk.notebook.panel import open_panel

        return open_panel(self._async, self, presets)

    def link(self, *, timeout: float = PATIENCE) -> Link:
        """Link a phone: scan what is shown, and it turns into ``linked as +55 ••• 78``.

        In a notebook this returns at once, and the cell that ends with it shows a QR code that
        renews itself. Elsewhere the code is printed, and this returns when the phone is linked.

        Args:
            timeout: How long to wait for the scan [s].

        Raises:
            NotSupportedError: The account is no phone's.
            NotConnectedError: Linking ended in another state; the hint says what to do.
            AnswerTimeoutError: Nobody scanned in time, or there is no network.

        Example:
            >>> import privacy_sdk as ps
            >>> link = ps.Client.replay("live_account").link()
            A connection to WhatsApp is being made; ...
            linked as +99 ••• 01
            >>> link.wait().linked_as
            '+99 ••• 01'
        """
        from privacy_sdk.notebook.link import Link

        return Link(self._async, self, timeout=timeout)

    link_status = _blocking(AsyncClient.link_status)
    unlink = _blocking(AsyncClient.unlink, changes=True)
    info = _blocking(AsyncClient.info)
    set_privacy_setting = _blocking(AsyncClient.set_privacy_setting, changes=True)
    set_privacy_disallowed_list = _blocking(AsyncClient.set_privacy_disallowed_list, changes=True)
    set_default_disappearing_mode = _blocking(
        AsyncClient.set_default_disappearing_mode, changes=True
    )
    fetch_default_disappearing_mode = _blocking(AsyncClient.fetch_default_disappearing_mode)
    fetch_disallowed_list = _blocking(AsyncClient.fetch_disallowed_list)
    visibility = _blocking(AsyncClient.visibility)
    watch = _iterating(AsyncClient.watch)
    undo = _blocking(AsyncClient.undo)
    snapshot = _blocking(AsyncClient.snapshot)
    plan = _blocking(AsyncClient.plan)
    apply = _blocking(AsyncClient.apply, changes=True)
    exclude = _blocking(AsyncClient.exclude, changes=True)
    include = _blocking(AsyncClient.include, changes=True)
    close = _blocking(AsyncClient.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._async).removeprefix("Async")

    def _repr_html_(self) -> str:
        """The settings, where a notebook shows what a cell ends with."""
        from privacy_sdk.notebook.display import client_html

        return LOOP.run(lambda: client_html(self._async))

    def __del__(self) -> None:
        if client := self.__dict__.get("_async"):
            discard_open(self, [client])
