"""A linked phone behind a gateway: linking over HTTP, and a real tryx session without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from asking import TOKEN, client_of, problem
from fake_tryx import NUMBER, FakePhone, payload
from linked import account_of, until_state
from offline_gateway import LID, NAME, without_network
from offline_gateway import NUMBER as SESSIONS_NUMBER

from privacy_sdk.accounts.base import AccountState as State
from privacy_sdk.gateway.limits import Rate
from privacy_sdk.gateway.schemas import AccountBody, LinkStatusBody

LINK = "/v1/accounts/me/link"

# --- over HTTP


async def test_a_phone_is_linked_and_unlinked_over_http(tmp_path):
    phone = FakePhone(is_linked=False)
    async with (
        account_of(phone, tmp_path) as account,
        client_of({"me": account}, token=TOKEN) as http,
    ):
        started = (await http.post(LINK)).json()
        LinkStatusBody.model_validate(started)
        assert started["state"] == "waiting_for_scan"
        assert started["qr"] == payload(1)
        assert 50 < started["expires_in"] <= 59  # a busy machine takes its time
        assert started["linked_as"] is None

        await phone.scan()
        await until_state(account, State.CONNECTED)
        linked = (await http.get(LINK)).json()
        assert (linked["state"], linked["qr"]) == ("connected", None)
        assert linked["linked_as"] == "+99 ••• 78"
        assert NUMBER not in json.dumps(linked)

        unlinked = (await http.delete(LINK)).json()
        assert unlinked["state"] == "unlinked"
        assert "on the phone" in unlinked["hint"]
        problem(await http.get("/v1/accounts/me/privacy"), 503, "not-connected")


async def test_the_list_of_accounts_says_where_each_stands_and_what_to_do(tmp_path):
    phone = FakePhone(is_linked=False)
    async with (
        account_of(phone, tmp_path) as account,
        client_of({"me": account}, token=TOKEN) as http,
    ):
        (row,) = (await http.get("/v1/accounts")).json()["accounts"]
        AccountBody.model_validate(row)
        assert row["state"] == "waiting_for_scan"
        assert "Linked devices" in row["hint"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_there_is_nothing_to_link_at_an_emulated_account(method):
    async with client_of(token=TOKEN) as http:
        answer = await http.request(method, "/v1/accounts/demo/link")
        problem(answer, 501, "not-supported")


async def test_looking_at_the_code_is_no_request_to_whatsapp_and_not_paced(tmp_path):
    phone = FakePhone(is_linked=False)
    async with (
        account_of(phone, tmp_path) as account,
        client_of({"me": account}, token=TOKEN, rate=Rate(burst=1, per_minute=1)) as http,
    ):
        assert {(await http.get(LINK)).status_code for _ in range(5)} == {200}
    assert phone.sent == []


async def test_without_the_token_there_is_no_code(tmp_path):
    async with (
        account_of(FakePhone(is_linked=False), tmp_path) as account,
        client_of({"me": account}, token=TOKEN) as http,
    ):
        for method in ("GET", "POST", "DELETE"):
            answer = await http.request(method, LINK, headers={"Authorization": "Bearer no"})
            problem(answer, 401, "invalid-token")
            assert "2@" not in answer.text


async def test_how_many_settings_could_not_be_named_is_said_over_http(tmp_path):
    phone = FakePhone()
    async with (
        account_of(phone, tmp_path) as account,
        client_of({"me": account}, token=TOKEN) as http,
    ):
        assert "unreadable" not in (await http.get("/v1/accounts/me/privacy")).json()
        phone.server.put_setting("stickers", "all")
        answer = (await http.get("/v1/accounts/me/privacy")).json()
        assert answer["unreadable"] == 1
        assert len(answer["settings"]) == 9


# --- a real tryx session


@pytest.fixture(scope="module", params=["fresh", "linked"])
def seen(request, tmp_path_factory):
    """What a program saw of a gateway over a real session, at tryx's most talkative if linked."""
    prefix = without_network()
    if prefix is None:
        pytest.skip("the network cannot be cut off here (unshare), and WhatsApp is not asked")
    folder = tmp_path_factory.mktemp("session") / "me"
    program = Path(__file__).parents[1] / "support" / "offline_gateway.py"
    environment = os.environ | {"PYTHONPATH": str(program.parents[2])}
    if request.param == "linked":
        environment["RUST_LOG"] = "trace"
    done = subprocess.run(
        [*prefix, sys.executable, str(program), str(folder), request.param],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"is_linked": request.param == "linked"}


def test_without_a_network_a_real_session_is_connecting_and_stays_so(seen):
    for account in (seen["account"], seen["later"]):
        assert account["state"] == "connecting"
        assert "network" in account["hint"]
    assert seen["link_status"]["linked_as"] == ("+99 ••• 01" if seen["is_linked"] else None)


def test_without_a_network_what_needs_it_is_answered_503_with_a_hint(seen):
    privacy, people, timer = seen["reads"]
    for status, document in (privacy, seen["changed"]):
        assert (status, document["type"]) == (503, "urn:privacy-sdk:not-connected")
        assert "network" in document["hint"]
        assert document["source"] == "gateway"
    for status, document in (people, timer):
        assert (status, document["type"]) == (501, "urn:privacy-sdk:not-supported")
        assert document["hint"]


def test_told_to_stop_a_gateway_with_a_real_session_exits_well(seen):
    assert seen["status"] == 0


def test_nobody_is_in_the_log_at_any_level(seen):
    assert '"level": "DEBUG"' in seen["log"]
    assert ("TRACE" in seen["log"]) == seen["is_linked"]
    for personal in (SESSIONS_NUMBER, SESSIONS_NUMBER[3:], LID, NAME):
        assert personal not in seen["log"]


def test_tryx_says_nothing_unless_it_is_asked_to(seen):
    assert ("whatsapp_rust" in seen["log"]) == seen["is_linked"]


def test_the_files_of_a_real_session_are_their_owners_alone(seen):
    assert seen["modes"] == ["0o600"]


@pytest.mark.slow
def test_told_to_stop_it_is_gone_within_two_seconds_and_had_answered_at_once(seen):
    assert seen["ended"] < 2.0
    assert seen["answered"] < 0.5
