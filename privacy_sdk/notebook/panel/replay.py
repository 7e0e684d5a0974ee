"""What the panel says of a recording: which one is replayed, and which changes it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from privacy_sdk.accounts.base import OverHttp
from privacy_sdk.accounts.wire import plan_from_json
from privacy_sdk.errors import PrivacyError
from privacy_sdk.model import words
from privacy_sdk.model.changes import Change, ListChange, in_words
from privacy_sdk.model.types import DisallowedListAction
from privacy_sdk.policies.plan import Plan

if TYPE_CHECKING:
    from privacy_sdk.cassettes.transport import CassetteTransport
    from privacy_sdk.client import AsyncClient


def replayed(client: AsyncClient) -> CassetteTransport | None:
    """The recording that answers a client; None when an account does."""
    account = client.account
    if not isinstance(account, OverHttp) or account.transport is None:
        return None  # before the import: an emulated account needs neither vcrpy nor httpx2

    from privacy_sdk.cassettes.transport import CassetteTransport

    transport = account.transport
    if isinstance(transport, CassetteTransport) and transport.is_replaying:
        return transport
    return None


def miss_in_words(client: AsyncClient, plan: Plan) -> str:
    """That a plan was not recorded, and what was."""
    recording = replayed(client)
    if recording is None:
        return ""
    name = recording.path.stem
    lines = [f"The recording {name!r} holds no answer to this; nothing was changed."]
    lines.append(f"Asked for: {_in_a_line(plan.possible)}.")
    recorded = list(dict.fromkeys(map(_in_a_line, _recorded(recording))))
    if recorded:
        lines.append("Recorded, each from what was set then:")
        lines += [f"• {line}." for line in recorded]
    else:
        lines.append("No changes by a panel or a plan were recorded in it.")
    return "\n".join(lines)


def _recorded(recording: CassetteTransport) -> Iterator[tuple[Change, ...]]:
    """The plans that were applied while it was recorded."""
    for request in recording.requests():
        if request.method == "PATCH" and request.path.endswith("/privacy"):
            try:
                yield plan_from_json(json.loads(request.body))[1]
            except (PrivacyError, ValueError, KeyError, TypeError):
                continue


def _in_a_line(changes: Iterable[Change]) -> str:
    return ", ".join(map(_briefly, changes))


def _briefly(change: Change) -> str:
    what, before, after = in_words(change)
    if isinstance(change, ListChange):
        more = "more" if change.action is DisallowedListAction.ADD else "fewer"
        return f"{what} {words.people(len(change.people))} {more}"
    return f"{what}: {before} → {after}"
