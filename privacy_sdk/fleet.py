"""``Fleet``: many accounts as one, in one table."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit

from privacy_sdk.accounts.base import OverHttp
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.client import AsyncClient, say_local
from privacy_sdk.errors import InvalidInputError, PrivacyError, itemize, short_repr
from privacy_sdk.errors.public import set_module
from privacy_sdk.model.arguments import CategoryLike, as_category, as_time
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.model.types import PrivacySettingsResponse
from privacy_sdk.model.words import counted
from privacy_sdk.policies.plan import Plan
from privacy_sdk.policies.policy import PolicyLike, as_policy
from privacy_sdk.policies.result import ApplyResult
from privacy_sdk.support.gateways import checked_account
from privacy_sdk.support.loop import LOOP
from privacy_sdk.support.progress import progress_bar
from privacy_sdk.sync import MAY_STILL_TAKE, Client, discard_open
from privacy_sdk.views.exposures import Exposures
from privacy_sdk.views.tables import Cell, Table, Tabular, Tone

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

T = TypeVar("T")
R = TypeVar("R", bound=Plan | ApplyResult)

_AT_ONCE = 32
"""How many accounts are asked at once; a gateway's connections are eight, however many ask."""


class PerAccount(Tabular, Mapping[str, R], Generic[R]):
    """The plan or the result of each account, by its name; its repr is a table.

    Attributes:
        errors: Why others have none, by their names.
    """

    def __init__(self, found: Mapping[str, R], errors: Mapping[str, PrivacyError]) -> None:
        self._found = dict(found)
        self.errors = dict(errors)

    def __getitem__(self, name: str) -> R:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, one row per account and change, index ``account, change``.

        Columns are those of each account's table, then ``error`` (str). An account that failed
        is a row without a change.
        """
        from privacy_sdk.views.frames import changes_frame

        return changes_frame(
            {name: each.to_frame() for name, each in self.items()}, _texts(self.errors)
        )

    def table(self) -> Table:
        """Return all changes in words, each with its account."""
        tables = {name: each.table() for name, each in self.items()}
        header = next((each.header for each in tables.values()), ())
        extra = ("error",) if self.errors else ()
        rows = [
            (Cell(name), *row, *map(Cell, [""] * len(extra)))
            for name, table in tables.items()
            for row in table.rows
        ]
        rows += [
            (Cell(name), *map(Cell, [""] * len(header)), Cell(error.message, Tone.BAD))
            for name, error in self.errors.items()
        ]
        changes = len(rows) - len(self.errors)
        title = f"{counted(len(self), 'account')}: {counted(changes, 'change')}"
        if self.errors:
            title += f"; {counted(len(self.errors), 'account')} failed"
        return Table(title, ("account", *header, *extra), rows)


@set_module("privacy_sdk")
class Fleet:
    """Many accounts as one: all of a gateway, or of several, or clients of one's own.

    Accounts are asked side by side, those of one gateway over its eight connections. An
    account that fails is a row with its error, and keeps no other from being served. Accounts
    of the same name on several gateways are called ``name@host:port``.

    Args:
        *members: Addresses of gateways, each for all its accounts, or clients, each for its own;
            left out, the gateway that ``ps.Client()`` would ask.
        accounts: The accounts to ask of each gateway, which then need not tell them: a proxy that
            routes by account cannot.
        token: The gateways' token.
        timeout: How long one answer may take [s].
        insecure: Whether ``http://`` may go to another machine, with the token in clear.
        progress: Whether to show progress; by default where somebody sees it, in a terminal or
            a notebook.

    Raises:
        InvalidInputError: A member that is neither an address nor a client.

    Example:
        >>> import privacy_sdk as ps
        >>> from privacy_sdk.testing import running_gateway
        >>> accounts = {name: ps.EmulatedAccount(name) for name in ("ana", "ben")}
        >>> with running_gateway(accounts) as url, ps.Fleet(url) as fleet:
        ...     applied = fleet.apply(fleet.plan({"last": "none", "online": "match_last_seen"}))
        ...     table = fleet.fetch_privacy_settings()
        >>> applied
        2 accounts: 4 changes
          account  setting    from      to                 direction  outcome  reason
          ana      Last seen  everyone  nobody             tighter    applied
          ana      Online     everyone  same as last seen  tighter    applied
          ben      Last seen  everyone  nobody             tighter    applied
          ben      Online     everyone  same as last seen  tighter    applied
        >>> table["exposure"].unstack()[["last", "online", "profile"]]
        category  last  online  profile
        account
        ana          0       0        4
        ben          0       0        4
    """

    def __init__(
        self,
        *members: str | Client | AsyncClient,
        accounts: Iterable[str] | None = None,
        token: str | None = None,
        timeout: float = 30.0,
        insecure: bool = False,
        progress: bool | None = None,
    ) -> None:
        self._names = None if accounts is None else _checked_names(accounts)
        self._progress = progress
        self._gateways: list[AsyncClient] = []
        self._own: list[AsyncClient] = []
        for member in members or (None,):
            if member is None or isinstance(member, str):
                gateway = AsyncClient(member, token=token, timeout=timeout, insecure=insecure)
                self._gateways.append(gateway)
            elif isinstance(member, Client | AsyncClient):
                self._own.append(member._async if isinstance(member, Client) else member)
            else:
                raise InvalidInputError(
                    f"{short_repr(member)} is neither a gateway's address nor a client."
                )
        self._clients: dict[str, AsyncClient] = {}

    @classmethod
    def of_gateway(cls, client: AsyncClient, *, progress: bool | None = None) -> Self:
        """Return all accounts of the gateway that a client asks; closing them closes it.

        Example:
            >>> import privacy_sdk as ps
            >>> with Fleet.of_gateway(ps.AsyncClient("http://127.0.0.1:8480")) as fleet:
            ...     fleet
            Fleet(Client(HttpAccount('http://127.0.0.1:8480', ...)))
        """
        fleet = cls(client, progress=progress)
        if isinstance(client.account, HttpAccount):
            fleet._gateways, fleet._own = fleet._own, []
        return fleet

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts' names, asked of their gateways once.

        Example:
            >>> import privacy_sdk as ps
            >>> accounts = map(ps.EmulatedAccount, ("ana", "ben"))
            >>> fleet = ps.Fleet(*map(ps.Client.from_account, accounts))
            >>> fleet.accounts, fleet["ana"].info().state
            (('ana', 'ben'), <AccountState.CONNECTED: 'connected'>)
        """
        return tuple(LOOP.run(self._members)[0])

    def __getitem__(self, name: str) -> Client:
        """Return a client of one account; closing it leaves the fleet's connections open.

        Raises:
            KeyError: No account of that name.
        """
        client = LOOP.run(self._members)[0][name]
        if isinstance(client.account, HttpAccount):
            client = AsyncClient.from_account(client.account.beside(str(client.account.id)))
        return Client._over(client)

    def __iter__(self) -> Iterator[str]:
        return iter(self.accounts)

    def __len__(self) -> int:
        return len(self.accounts)

    def fetch_privacy_settings(self, *, allowed: bool = False) -> pd.DataFrame:
        """Fetch the settings of all accounts, as one table.

        Args:
            allowed: Whether to add a column of the values that may be set.

        Returns:
            DataFrame, one row per account and category, index ``account, category`` (str):
            the columns of ``Client.fetch_privacy_settings``, then ``error`` (str). Accounts that
            could not be read come last, each a row without a category.

        Example:
            >>> import privacy_sdk as ps
            >>> accounts = map(ps.EmulatedAccount, ("ana", "ben"))
            >>> fleet = ps.Fleet(*map(ps.Client.from_account, accounts))
            >>> fleet.fetch_privacy_settings().loc[("ben", "last"), "audience"]
            'everyone'
        """
        from privacy_sdk.views.frames import accounts_frame

        found, errors = self._fetched()
        return accounts_frame(found, _texts(errors), allowed=allowed)

    def visibility(self) -> Exposures:
        """Return a picture of accounts × settings by exposure.

        Example:
            >>> import privacy_sdk as ps
            >>> accounts = map(ps.EmulatedAccount, ("ana", "ben"))
            >>> fleet = ps.Fleet(*map(ps.Client.from_account, accounts))
            >>> print(fleet.visibility())
            How open 2 accounts are
            ...
              ● ● ● ◑ ● ● ● ● –  ana
              ● ● ● ◑ ● ● ● ● –  ben
            ...
        """
        return Exposures(*self._fetched())

    def plan(
        self, policy: PolicyLike, *, only: Literal["tighter"] | None = None
    ) -> PerAccount[Plan]:
        """Return the changes that bring every account to a policy; nothing is changed.

        Args:
            policy: As for ``Client.plan``; people in it are looked up by each account.
            only: As for ``Client.plan``.

        Example:
            >>> import privacy_sdk as ps
            >>> accounts = map(ps.EmulatedAccount, ("ana", "ben"))
            >>> fleet = ps.Fleet(*map(ps.Client.from_account, accounts))
            >>> fleet.plan({"last": "none"})
            2 accounts: 2 changes
              account  setting    from      to      direction
              ana      Last seen  everyone  nobody  tighter
              ben      Last seen  everyone  nobody  tighter
        """
        policy = as_policy(policy)
        found = self._each(lambda name, client: client.plan(policy, only=only), "Reading settings")
        return PerAccount(*found)

    def apply(self, plans: Mapping[str, Plan]) -> PerAccount[ApplyResult]:
        """Apply a plan to each account that has one, and verify each change.

        Args:
            plans: What :meth:`plan` returned, or some of it. To take it back pass
                ``{name: result.undo() for name, result in applied.items()}``.

        Raises:
            InvalidInputError: No plans, or one for no account of this fleet; nothing was changed.

        Example:
            >>> import privacy_sdk as ps
            >>> accounts = map(ps.EmulatedAccount, ("ana", "ben"))
            >>> fleet = ps.Fleet(*map(ps.Client.from_account, accounts))
            >>> applied = fleet.apply(fleet.plan({"last": "none"}))
            >>> {name: result.is_complete for name, result in applied.items()}
            {'ana': True, 'ben': True}
        """
        if not (
            isinstance(plans, Mapping) and all(isinstance(each, Plan) for each in plans.values())
        ):
            raise InvalidInputError(
                f"{short_repr(plans)} does not map accounts to plans.",
                hint="Make them with fleet.plan(policy).",
            )
        if unknown := set(plans).difference(self.accounts):
            raise InvalidInputError(
                itemize(
                    [f"The fleet has no account {name!r}." for name in sorted(unknown)], "faults"
                )
            )
        found = self._each(
            lambda name, client: client.apply(plans[name]),
            "Changing settings",
            names=plans,
            on_interrupt=MAY_STILL_TAKE,
        )
        return PerAccount(*found)

    def history(
        self, since: str | datetime | None = None, category: CategoryLike | None = None
    ) -> pd.DataFrame:
        """Fetch what was changed of all accounts, when and by whom, as one table.

        Args:
            since: As for ``Client.history``.
            category: As for ``Client.history``.

        Returns:
            DataFrame, one row per account and change, index ``account, change``: the columns of
            ``Client.history``, then ``error`` (str). Accounts that could not be read come last,
            each a row without a change.

        Raises:
            InvalidInputError: No time, or one to come.
            UnknownNameError: A string that names no category.

        Example:
            >>> import privacy_sdk as ps
            >>> with ps.Fleet(client := ps.Client.emulated()) as fleet:
            ...     client.set_default_disappearing_mode("7d")
            ...     fleet.history()[["setting", "to", "outcome"]]
                                         setting      to  outcome
            account change
            demo    0       Disappearing messages  604800  applied
        """
        from privacy_sdk.views.frames import changes_frame, history_frame

        found, errors = self._histories(since, category)
        frames = {name: history_frame(entries) for name, entries in found.items()}
        return changes_frame(frames, _texts(errors), empty=history_frame(()))

    def _histories(
        self, since: str | datetime | None, category: CategoryLike | None
    ) -> tuple[dict[str, tuple[HistoryEntry, ...]], dict[str, PrivacyError]]:
        moment = None if since is None else as_time(since, say_local)
        chosen = None if category is None else as_category(category)
        return self._each(lambda name, client: client.history(moment, chosen), "Reading histories")

    def close(self) -> None:
        """Close the connections to the gateways; clients of one's own stay open.

        Example:
            >>> import privacy_sdk as ps
            >>> client = ps.Client.emulated()
            >>> with ps.Fleet(client) as fleet:  # closes it at the end
            ...     fleet.accounts
            ('demo',)
        """
        LOOP.run(self._close)

    async def _close(self) -> None:
        for gateway in self._gateways:
            await gateway.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = [*self._gateways, *self._own]
        return f"Fleet({', '.join(repr(each).removeprefix('Async') for each in where)})"

    def __del__(self) -> None:
        discard_open(self, self.__dict__.get("_gateways", ()))

    def _fetched(self) -> tuple[dict[str, PrivacySettingsResponse], dict[str, PrivacyError]]:
        return self._each(lambda name, client: client.fetch_privacy_settings(), "Reading settings")

    async def _members(self) -> tuple[dict[str, AsyncClient], dict[str, PrivacyError]]:
        """Return the clients by name, and why a gateway does not tell its accounts.

        Raises:
            PrivacyError: No gateway tells, and there are no clients of one's own.
        """
        if self._clients:
            return self._clients, {}
        errors: dict[str, PrivacyError] = {}
        found: list[tuple[str, str, AsyncClient]] = []
        told = await asyncio.gather(*map(self._accounts_of, self._gateways), return_exceptions=True)
        for gateway, answer in zip(self._gateways, told, strict=True):
            where = urlsplit(cast("HttpAccount", gateway.account).url).netloc
            if isinstance(answer, PrivacyError):
                errors[where] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += [(str(each.account.id), where, each) for each in answer]
        for number, client in enumerate(self._own, 1):
            account = client.account
            name = account.id or (await account.info()).id
            where = urlsplit(account.url).netloc if isinstance(account, OverHttp) else str(number)
            found.append((name, where, client))
        if errors and not found:
            raise next(iter(errors.values()))
        counts = Counter(name for name, _, _ in found)
        clients = {n if counts[n] == 1 else f"{n}@{where}": each for n, where, each in found}
        if not errors:
            self._clients = clients
        return clients, errors

    async def _accounts_of(self, gateway: AsyncClient) -> list[AsyncClient]:
        account = cast("HttpAccount", gateway.account)
        names = self._names
        if names is None:
            names = tuple(info.id for info in await account.list_accounts())
        return [AsyncClient.from_account(account.beside(name)) for name in names]

    def _each(
        self,
        work: Callable[[str, AsyncClient], Awaitable[T]],
        title: str,
        *,
        names: Collection[str] | None = None,
        on_interrupt: str = "",
    ) -> tuple[dict[str, T], dict[str, PrivacyError]]:
        """Do work for each account, some at once; return what it returned, and what failed."""

        async def all_of_it() -> tuple[dict[str, T], dict[str, PrivacyError]]:
            clients, errors = await self._members()
            if names is not None:
                clients, errors = {name: clients[name] for name in names}, {}
            found: dict[str, T] = {}
            waiting = iter(clients.items())

            async def some_of_it() -> None:
                for name, client in waiting:
                    try:
                        found[name] = await work(name, client)
                    except PrivacyError as error:
                        errors[name] = error
                    progress(len(found) + len(errors), len(clients))

            async with asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, len(clients))):
                    group.create_task(some_of_it())
            return (
                {name: found[name] for name in clients if name in found},
                {name: errors[name] for name in (*clients, *errors) if name in errors},
            )

        with progress_bar(title, wanted=self._progress) as progress:
            return LOOP.run(all_of_it, on_interrupt=on_interrupt)


def _checked_names(accounts: Iterable[str]) -> tuple[str, ...]:
    if isinstance(accounts, str) or not isinstance(accounts, Iterable):
        raise InvalidInputError(
            f"{short_repr(accounts)} are no names of accounts.", hint="Pass a list of them."
        )
    return tuple(str(checked_account(name)) for name in accounts if name is not None)


def _texts(errors: Mapping[str, PrivacyError]) -> dict[str, str]:
    return {name: error.message for name, error in errors.items()}
