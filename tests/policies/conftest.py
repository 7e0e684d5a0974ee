"""A client of an emulated account, in this process and over a gateway."""

import pytest
from asking import TOKEN

import privacy_sdk as ps
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.testing import running_gateway


@pytest.fixture(scope="module")
def unused_accounts():
    """The address of a gateway, and names of accounts there that no test has changed."""
    accounts = {f"demo{n}": ps.EmulatedAccount(f"demo{n}") for n in range(200)}
    with running_gateway(accounts, token=TOKEN) as url:
        yield url, iter(accounts)


@pytest.fixture(params=["local", "over a gateway"])
async def client(request):
    if request.param == "local":
        account = ps.EmulatedAccount()
    else:
        url, names = request.getfixturevalue("unused_accounts")
        account = HttpAccount(url, token=TOKEN, account=next(names))
    async with ps.AsyncClient.from_account(account) as client:
        yield client
