"""The gateway as an ASGI application: accounts, routes, guard, limits and journal together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request

from privacy_sdk.accounts.base import Account, AccountState, Startable
from privacy_sdk.accounts.journal import Journal, MemoryJournal
from privacy_sdk.accounts.recorded import READ_EVERY, RecordedAccount, Recorder
from privacy_sdk.errors import NotConnectedError, PrivacyError
from privacy_sdk.errors.masks import mask_text
from privacy_sdk.gateway.guard import OPEN_PATHS, RequestGuard, RequestTracker, Secret, logger
from privacy_sdk.gateway.limits import LimitedAccount, Rate
from privacy_sdk.gateway.problems import PROBLEM_JSON, install_problems
from privacy_sdk.gateway.routes import GATEWAY_PROBLEMS, operation_id, root, router
from privacy_sdk.gateway.schemas import Health
from privacy_sdk.support.gateways import checked_account
from privacy_sdk.support.tokens import checked_token

_CLOSING_TAKES = 0.3
"""How long accounts may take to close [s]; the whole gateway is to stop within a second."""


class _Gateway(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """FastAPI's document, with our media type for errors and the token that is asked for."""
        if self.openapi_schema is None:
            document = super().openapi()
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    for status, response in operation["responses"].items():
                        if status >= "400":
                            (schema,) = response["content"].values()
                            response["content"] = {PROBLEM_JSON: schema}
                    if path in OPEN_PATHS:
                        operation["security"] = []
            if self.state.secret.token is not None:
                document["components"]["securitySchemes"] = {
                    "token": {"type": "http", "scheme": "bearer"}
                }
                document["security"] = [{"token": []}]
        return super().openapi()


def create_app(
    accounts: Mapping[str, Account],
    *,
    token: str | None,
    allowed_hosts: Collection[str] = (),
    rate: Rate | None = Rate(),  # noqa: B008
    journal: Journal | None = None,
    read_every: float = READ_EVERY,
) -> FastAPI:
    """An ASGI application that serves accounts over HTTP.

    It closes the accounts when it is shut down, in the event loop that they were used in.

    Args:
        accounts: The accounts, by the names that they have in URLs.
        token: The bearer token that every request must have; None lets everybody in.
        allowed_hosts: Names of this machine that clients may use beside localhost.
        rate: How fast a live account may be asked; None sets no limit. Emulated accounts have
            none.
        journal: Where changes are written down, closed at the end; in memory by default.
        read_every: How often an account is read while somebody watches it [s].

    Returns:
        The FastAPI application; :func:`privacy_sdk.gateway.server.serve` runs it.

    Raises:
        InvalidInputError: A name that an account cannot have, or a token that no header can
            carry, such as an empty one.

    Example:
        >>> from privacy_sdk.accounts.emulated.account import EmulatedAccount
        >>> app = create_app({"demo": EmulatedAccount()}, token="secret")
        >>> sorted(app.openapi()["paths"])[0]
        '/healthz'
    """
    if token is not None:
        checked_token(token, "token=…")
    journal = journal or MemoryJournal()
    recorders = {
        str(checked_account(name)): Recorder(name, journal, read_every=read_every)
        for name in accounts
    }
    served = {
        name: LimitedAccount(account, rate, RecordedAccount(account, recorders[name]))
        for name, account in accounts.items()
    }

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for account in accounts.values():
            if isinstance(account, Startable):
                await account.start()
        for name, account in accounts.items():
            with suppress(PrivacyError):  # it says more once it is asked
                await recorders[name].start(account, await account.info())
        yield
        await _close(accounts.values())
        await journal.aclose()

    app = _Gateway(
        title="privacy_sdk gateway",
        version="1",
        docs_url=None,  # that page loads scripts from another site
        redoc_url=None,
        redirect_slashes=False,
        routes=[*root.routes, *router.routes],  # a router that is included is searched twice
        generate_unique_id_function=operation_id,
        lifespan=lifespan,
    )
    app.state.served = served
    app.state.secret = Secret(token)
    app.state.journal = journal
    app.state.in_flight = RequestTracker(recorder.stop for recorder in recorders.values())
    install_problems(app)
    app.add_api_route(
        "/healthz", _healthz, responses=GATEWAY_PROBLEMS, response_model=Health, name="healthz"
    )
    app.add_api_route(
        "/readyz", _readyz, responses=GATEWAY_PROBLEMS, response_model=Health, name="readyz"
    )
    app.add_middleware(
        RequestGuard,
        secret=app.state.secret,
        allowed_hosts=allowed_hosts,
        in_flight=app.state.in_flight,
    )
    return app


async def _close(accounts: Collection[Account]) -> None:
    """Close accounts side by side; one that fails or hangs keeps none of the others open."""
    closing = [asyncio.ensure_future(account.aclose()) for account in accounts]
    done, hanging = await asyncio.wait(closing, timeout=_CLOSING_TAKES) if closing else ((), ())
    for task in hanging:
        task.cancel()
    for error in filter(None, (task.exception() for task in done)):
        logger.warning("an account was not closed: %s", mask_text(repr(error)))


async def _healthz() -> dict[str, str]:
    """That the gateway is up; needs no token."""
    return {"status": "ok"}


async def _readyz(request: Request) -> dict[str, str]:
    """That every account is connected to WhatsApp, else 503; needs no token, and names none."""
    served: Mapping[str, LimitedAccount] = request.app.state.served
    states = [await each.state() for each in served.values()]
    if waiting := [state for state in states if state != AccountState.CONNECTED]:
        raise NotConnectedError(
            f"Of {len(states)} accounts {len(waiting)} cannot be asked: {', '.join(waiting)}.",
            hint="GET /v1/accounts, with the token, says which and what to do.",
        )
    return {"status": "ok"}
