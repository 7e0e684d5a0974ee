"""What some accounts can do beyond the common part: named protocols, asked in one way."""

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.base import (
    Account,
    AccountInfo,
    Emulator,
    Linkable,
    LostAnswerError,
    OverHttp,
    RunsPlans,
    Startable,
    require,
)
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.accounts.nodes import ProtocolAccount
from privacy_sdk.accounts.whatsapp.account import TryxAccount

BEYOND = (Linkable, Emulator, RunsPlans, Startable, OverHttp)


def of_nodes() -> Account:
    return ProtocolAccount(AccountInfo("me", "whatsapp"), EmulatedAccount().server.ask)


@pytest.mark.parametrize(
    ("make", "offers"),
    [
        (of_nodes, set()),
        (EmulatedAccount, {Emulator}),
        (TryxAccount, {Linkable, Startable}),
        (HttpAccount, {Linkable, Emulator, RunsPlans, OverHttp}),
    ],
)
def test_each_account_offers_what_it_can_do_and_the_rest_is_one_error(make, offers):
    account = make()
    assert isinstance(account, Account)
    for protocol in BEYOND:
        if protocol in offers:
            assert require(account, protocol) is account
        else:
            with pytest.raises(ps.NotSupportedError, match="This account"):
                require(account, protocol)


def test_what_a_user_wraps_is_what_its_class_says():
    class Linked(EmulatedAccount):
        async def link_status(self): ...
        async def link(self): ...
        async def unlink(self): ...

    assert require(Linked(), Linkable)


@pytest.mark.parametrize(
    ("changes", "expected"), [(True, ps.OutcomeUnknownError), (False, ps.errors.AnswerTimeoutError)]
)
def test_a_lost_answer_means_another_thing_for_a_change_than_for_a_question(changes, expected):
    error = LostAnswerError("the connection ended").as_error(changes=changes)
    assert type(error) is expected
    assert error.message.endswith("and the connection ended.")
