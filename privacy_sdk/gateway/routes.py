"""What can be asked of an account over HTTP: one function for each operation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent

from privacy_sdk.accounts import wire
from privacy_sdk.accounts.base import Emulator, Linkable, require
from privacy_sdk.accounts.callers import caller_from_headers
from privacy_sdk.accounts.journal import Journal, entry_to_json
from privacy_sdk.errors import InvalidContactError, PrivacyError, UnknownAccountError
from privacy_sdk.gateway import schemas
from privacy_sdk.gateway.limits import Asker, LimitedAccount
from privacy_sdk.model.arguments import as_list_category, as_pair, as_seconds
from privacy_sdk.model.history import HistoryEntry, HistoryStream
from privacy_sdk.model.types import PrivacyCategory, PrivacyValue
from privacy_sdk.policies import run as applying


def _problems(descriptions: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": schemas.ProblemBody, "description": description}
        for status, description in descriptions.items()
    }


GATEWAY_PROBLEMS = _problems(
    {
        401: "The token is missing or wrong.",
        413: "The body is longer than 1 MiB.",
        421: "The Host header names another machine.",
        431: "The request's address or headers are too long.",
        500: "The gateway failed.",
        503: "The gateway is stopping.",
    }
)
"""The errors that any request can meet."""

ACCOUNT_PROBLEMS = GATEWAY_PROBLEMS | _problems(
    {
        400: "The body cannot be read, or WhatsApp cannot read the request.",
        404: "There is no such account, or WhatsApp knows no such thing.",
        409: "The list or the settings are not as expected, or were changed since.",
        422: "The request is not a good one.",
        429: "Too many requests, for WhatsApp or for the gateway.",
        501: "The account cannot do that.",
        502: "WhatsApp refused.",
        503: "No connection, the outcome is unknown, the account is busy, or the gateway stops.",
        504: "No answer came in time.",
    }
)
"""The errors that a request to an account can meet."""


def operation_id(route: APIRoute) -> str:
    """Return what OpenAPI calls an operation: its function's name."""
    return route.name


root = APIRouter(
    tags=["accounts"], responses=GATEWAY_PROBLEMS, generate_unique_id_function=operation_id
)
router = APIRouter(
    prefix="/v1/accounts/{account_id}",
    tags=["accounts"],
    responses=ACCOUNT_PROBLEMS,
    generate_unique_id_function=operation_id,
)
"""What can be asked of one account."""


def _refuse_unknown(request: Request) -> None:
    """Refuse what a query holds beside the route's own, such as a name with a slip in it.

    FastAPI would leave it out, and take the last of what is there twice.
    """
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    known = {each.alias for each in route.dependant.query_params}
    given = Counter(name for name, _ in request.query_params.multi_items())
    if faults := [
        {"type": "extra_forbidden", "loc": ("query", name)}
        if name not in known
        else {"type": "repeated", "loc": ("query", name), "msg": "is there several times"}
        for name, times in given.items()
        if name not in known or times > 1
    ]:
        raise RequestValidationError(faults)


async def _served(
    request: Request,
    account_id: Annotated[str, Path(description="A name of GET /v1/accounts.", examples=["demo"])],
) -> LimitedAccount:
    served: Mapping[str, LimitedAccount] = request.app.state.served
    if account_id not in served:
        raise UnknownAccountError(
            "The gateway has no account of that name.", hint=f"It serves: {', '.join(served)}."
        )
    _refuse_unknown(request)
    return served[account_id]


async def _asker(request: Request) -> Asker:
    """Who waits for a change, which is written down as theirs."""
    caller_from_headers(request.headers)
    return Asker.of(request)


Served = Annotated[LimitedAccount, Depends(_served)]
Waiting = Annotated[Asker, Depends(_asker)]
Category = Annotated[schemas.CategoryName, Path(description="A category's wire name.")]
ListCategory = Annotated[schemas.ListCategoryName, Path(description="A category with a list.")]


@root.get(
    "/v1/accounts",
    response_model=schemas.AccountsBody,
    responses=_problems({422: "The request is not a good one."}),
)
async def list_accounts(request: Request) -> Any:
    """Every account of this gateway, its state, and what it can do."""
    _refuse_unknown(request)
    served: Mapping[str, LimitedAccount] = request.app.state.served
    return {"accounts": [await _info(name, each) for name, each in served.items()]}


@router.get("", response_model=schemas.AccountBody)
async def fetch_account(account_id: str, served: Served) -> Any:
    """One account: its state, and what it can do."""
    return await _info(account_id, served)


async def _info(name: str, served: LimitedAccount) -> Any:
    return wire.to_json(replace(await served.account.info(), id=name))


@router.get("/privacy", response_model=schemas.SettingsBody, response_model_exclude_defaults=True)
async def fetch_privacy_settings(served: Served) -> Any:
    """All settings that WhatsApp reports."""
    async with served.reading() as account:
        return wire.to_json(await account.fetch_privacy_settings())


@router.patch("/privacy", response_model=schemas.OutcomesBody)
async def apply_changes(served: Served, asker: Waiting, body: schemas.ChangesBody) -> Any:
    """Make several changes in a safe order, and read back what became of each.

    409, and nothing changed, when the settings are not as expected.
    """
    before, changes = wire.plan_from_json(body.model_dump())
    async with served.changing(asker, requests=len(changes) + 2) as verified:
        return wire.report_to_json(await applying.apply_changes(verified.account, before, changes))


@router.put("/privacy/{category}", response_model=schemas.ChangedBody)
async def set_privacy_setting(
    served: Served, asker: Waiting, category: Category, body: schemas.NewValueBody
) -> Any:
    """Change one setting, and read it back; a category that is not known takes any value."""
    pair = as_pair(PrivacyCategory.other(category), PrivacyValue.other(body.value))
    async with served.changing(asker, requests=3) as verified:
        return wire.to_json(await verified.set_privacy_setting(*pair, unreported=body.unreported))


@router.get("/privacy/{category}/disallowed-list", response_model=schemas.DisallowedListBody)
async def fetch_disallowed_list(served: Served, category: ListCategory) -> Any:
    """The people excepted in a category."""
    listed = as_list_category(PrivacyCategory.other(category))
    async with served.reading() as account:
        return wire.to_json(await account.fetch_disallowed_list(listed))


@router.patch("/privacy/{category}/disallowed-list", response_model=schemas.ChangedBody)
async def set_privacy_disallowed_list(
    served: Served, asker: Waiting, category: ListCategory, body: schemas.ListChangeBody
) -> Any:
    """Add people to a list and remove others, and read it back.

    With ``dhash`` the update is strict: 409 when the list has another version. Without it the
    update is made to the list as it stands, one update at a time, and done again once when
    the phone changed the list meanwhile.
    """
    listed = as_list_category(PrivacyCategory.other(category))
    update = wire.update_from_json(body.model_dump())
    async with served.changing(asker, requests=2) as verified:
        return wire.to_json(await verified.set_privacy_disallowed_list(listed, update))


@router.post("/privacy/{category}/excluded", response_model=schemas.ExcludedChangeBody)
async def change_excluded(
    served: Served, asker: Waiting, category: ListCategory, body: schemas.ExcludedBody
) -> Any:
    """Except people, or no longer except them, without opening the category to anybody.

    A category that is open to everyone or to contacts is put on its list first; 422, and
    nothing changed, when nobody sees it.
    """
    listed = as_list_category(PrivacyCategory.other(category))
    update = wire.update_from_json(body.model_dump())
    async with served.changing(asker, requests=5) as verified:
        return wire.to_json(await verified.change_excluded(listed, update))


@router.get("/disappearing-mode", response_model=schemas.DurationBody)
async def fetch_default_disappearing_mode(served: Served) -> Any:
    """The default disappearing time of new chats."""
    async with served.reading() as account:
        return {"duration": await account.fetch_default_disappearing_mode()}


@router.put("/disappearing-mode", response_model=schemas.DurationBody)
async def set_default_disappearing_mode(
    served: Served, asker: Waiting, body: schemas.DurationBody
) -> Any:
    """Set the default disappearing time of new chats, and read it back."""
    seconds = as_seconds(body.duration)
    async with served.changing(asker, requests=3) as verified:
        await verified.set_default_disappearing_mode(seconds)
    return {"duration": seconds}


@router.post("/contacts", response_model=schemas.ContactsBody)
async def find_contacts(served: Served, body: schemas.PhonesBody) -> Any:
    """The addresses of phone numbers, which are in the body because URLs are logged."""
    for phone in body.phones:
        if not re.fullmatch("[0-9]{5,15}", phone):
            raise InvalidContactError(
                "A phone number is not digits with the country code.",
                hint="Leave out plus sign, spaces and dashes, as in 999115550101.",
            )
    async with served.reading(requests=len(set(body.phones))) as account:
        return {"contacts": wire.to_json(await account.find_contacts(body.phones))}


@router.get("/history", response_model=schemas.HistoryBody)
async def fetch_history(
    request: Request,
    account_id: str,
    served: Served,
    last: Annotated[
        int, Query(ge=0, le=2**62, examples=[0], description="The last number that is known.")
    ] = 0,
    since: Annotated[
        schemas.Moment | None,
        Query(examples=["2026-11-24T18:00:00Z"], description="ISO 8601, with its zone."),
    ] = None,
    category: Annotated[schemas.CategoryName | None, Query(examples=["last"])] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, examples=[100])] = 1_000,
) -> Any:
    """What was changed and noticed, in its order; people stand in it as their owner sees them."""
    journal: Journal = request.app.state.journal
    entries = await journal.read(
        account_id, after=last, since=since, category=category, limit=limit
    )
    return {"entries": list(map(entry_to_json, entries))}


async def _watched(
    served: Served,
    after: Annotated[
        int | None,
        Query(ge=0, le=2**62, examples=[0], description="The last number that is known."),
    ] = None,
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=2**62, examples=[0], description="The same, after an interruption."),
    ] = None,
) -> AsyncIterator[tuple[int, HistoryStream]]:
    """Begin to watch, so that what is refused is refused with a status of its own."""
    known = after if last_event_id is None else last_event_id
    async with aclosing(served.watch(after=known)) as changes:
        place, _ = await anext(changes)
        yield place, changes


@router.get("/events", response_class=EventSourceResponse)
async def watch(
    watched: Annotated[tuple[int, HistoryStream], Depends(_watched)],
) -> AsyncIterable[schemas.HistoryEntryBody]:
    """Changes as they are made or noticed, as server-sent events, from now on or after an id.

    The first event has an id and no data: nothing that comes after it is missed. A comment is
    sent where nothing else was for 15 s. The gateway ends it when it stops; go on from the last id.
    """
    place, changes = watched
    yield _event(place)
    with suppress(PrivacyError):  # of the journal: whoever watches comes again
        async for number, entry in changes:
            yield _event(number, entry)


def _event(number: int, entry: HistoryEntry | None = None) -> Any:
    return ServerSentEvent(id=str(number), data=entry and entry_to_json(entry))


@router.get("/link", response_model=schemas.LinkStatusBody)
async def link_status(served: Served) -> Any:
    """How far a phone is linked, and the QR code of the moment."""
    return wire.to_json(await require(served.account, Linkable).link_status())


@router.post("/link", response_model=schemas.LinkStatusBody)
async def link(served: Served) -> Any:
    """Link a phone: connect, and offer a QR code if none is linked yet."""
    return wire.to_json(await require(served.account, Linkable).link())


@router.delete("/link", response_model=schemas.LinkStatusBody)
async def unlink(served: Served) -> Any:
    """Delete the keys of the linked phone; the device is to be removed on the phone as well."""
    return wire.to_json(await require(served.account, Linkable).unlink())


@router.post("/emulator", status_code=204)
async def emulate(served: Served, body: schemas.EventBody) -> None:
    """Make something happen to an emulated account."""
    await require(served.account, Emulator).emulate(wire.event_from_json(body.model_dump()))
    served.read_soon()
