"""Plans as files: what an undo is kept in until it is wanted."""

from __future__ import annotations

import json

from privacy_sdk.accounts import wire
from privacy_sdk.errors import InvalidInputError, PrivacyError
from privacy_sdk.model.changes import with_directions
from privacy_sdk.policies.plan import Plan
from privacy_sdk.support.gateways import checked_account


def write_plan(plan: Plan) -> str:
    """Return a plan's possible changes, and the state that they start from, as a text.

    Example:
        >>> import privacy_sdk as ps
        >>> client = ps.Client.emulated()
        >>> applied = client.apply(client.plan({"last": "none"}))
        >>> read_plan(write_plan(applied.undo()), "undo.json")
        Plan of 1 change for 'demo'
          setting    from    to        direction
          Last seen  nobody  everyone  looser
    """
    document = {"account": plan.account, **wire.plan_to_json(plan.before, plan.possible)}
    return json.dumps(document, indent=1) + "\n"


def read_plan(text: str, source: str) -> Plan:
    """Read the plan in such a text.

    Raises:
        InvalidInputError: It holds none.
    """
    try:
        document = json.loads(text)
        before, changes = wire.plan_from_json(document)
        account = checked_account(document.get("account"))
    except (ValueError, PrivacyError, RecursionError):
        raise InvalidInputError(
            f"{source} holds no plan.", hint="apply --undo-file writes one."
        ) from None
    return Plan(with_directions(changes, before), before, account)
