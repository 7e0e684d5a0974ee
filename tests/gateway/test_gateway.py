"""What the gateway answers, and what it refuses before an account is asked."""

from typing import Any

import httpx2
import pytest
from asking import (
    CONTACTS,
    EMULATOR,
    LAST_LIST,
    PRIVACY,
    SOMEBODY,
    TIMER,
    client_of,
    problem,
)

from privacy_sdk.accounts.base import AccountInfo
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.nodes import ProtocolAccount
from privacy_sdk.errors import InvalidInputError
from privacy_sdk.gateway import create_app


async def test_accounts_go_by_the_names_they_are_served_under() -> None:
    async with client_of({"a": EmulatedAccount("x"), "b": EmulatedAccount("y")}, token=None) as it:
        accounts = (await it.get("/v1/accounts")).json()["accounts"]
    assert [account["id"] for account in accounts] == ["a", "b"]
    assert accounts[0]["backend"] == "emulated"


async def test_a_setting_is_read_set_and_read_back(client: httpx2.AsyncClient) -> None:
    assert (await client.put(f"{PRIVACY}/last", json={"value": "none"})).json() == {"dhash": None}
    settings = (await client.get(PRIVACY)).json()["settings"]
    assert {"category": "last", "value": "none"} in settings


@pytest.mark.parametrize("since", ["-5999259", "1764000000", "yesterday", "2026-11-24T18:00:00"])
async def test_a_history_is_asked_for_since_a_time_of_iso_8601(
    client: httpx2.AsyncClient, since: str
) -> None:
    history = "/v1/accounts/demo/history"
    problem(await client.get(history, params={"since": since}), 422, "invalid-request")
    answer = await client.get(history, params={"since": "2026-11-24T18:00:00Z"})
    assert answer.status_code == 200


async def test_a_list_is_changed_and_read_back(client: httpx2.AsyncClient) -> None:
    users = {"users": [SOMEBODY]}
    problem(await client.patch(LAST_LIST, json=users), 422, "invalid-input")  # would open it
    await client.put(f"{PRIVACY}/last", json={"value": "contact_blacklist"})
    changed = (await client.patch(LAST_LIST, json=users)).json()
    assert (await client.get(LAST_LIST)).json() == {
        **changed,
        "users": [SOMEBODY | {"username": None}],
    }


async def test_a_strict_update_is_refused_when_its_dhash_is_stale(
    client: httpx2.AsyncClient,
) -> None:
    await client.patch(LAST_LIST, json={"users": [SOMEBODY]})
    stale = await client.patch(LAST_LIST, json={"dhash": "1", "users": [SOMEBODY]})
    assert problem(stale, 409, "conflict")["source"] == "whatsapp"


async def test_the_timer_is_set_and_read_back(client: httpx2.AsyncClient) -> None:
    assert (await client.put(TIMER, json={"duration": 604_800})).json() == {"duration": 604_800}
    assert (await client.get(TIMER)).json() == {"duration": 604_800}


async def test_contacts_are_found_in_the_order_asked(client: httpx2.AsyncClient) -> None:
    phones = ["999115550102", "999000000000", "999115550101"]
    contacts = (await client.post(CONTACTS, json={"phones": phones})).json()["contacts"]
    assert [contact["phone"] for contact in contacts] == phones
    assert [contact["jid"] is None for contact in contacts] == [False, True, False]


async def test_an_event_happens_to_an_emulated_account(client: httpx2.AsyncClient) -> None:
    event = {"event": "phone_sets", "category": "brand_new", "value": "some_value"}
    answer = await client.post(EMULATOR, json=event)
    assert (answer.status_code, answer.content) == (204, b"")
    settings = (await client.get(PRIVACY)).json()["settings"]
    assert {"category": "brand_new", "value": "some_value"} in settings


async def test_an_unknown_category_takes_any_value(client: httpx2.AsyncClient) -> None:
    body = {"value": "whatever"}
    problem(await client.put(f"{PRIVACY}/brand_new", json=body), 501, "not-supported")
    answer = await client.put(f"{PRIVACY}/brand_new", json={**body, "unreported": True})
    assert answer.status_code == 200


async def test_health_needs_no_token(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("PUT", f"{PRIVACY}/online", {"value": "none"}, "invalid-pair"),
        ("PUT", f"{PRIVACY}/last", {"value": "brand_new"}, "invalid-pair"),
        ("PUT", f"{PRIVACY}/last", {"value": ""}, "invalid-request"),
        ("PUT", f"{PRIVACY}/last", {"value": None}, "invalid-request"),
        ("PUT", f"{PRIVACY}/last", {"value": "all", "more": 1}, "invalid-request"),
        ("PUT", f"{PRIVACY}/last", {}, "invalid-request"),
        ("PUT", f"{PRIVACY}/last", [], "invalid-request"),
        ("PUT", f"{PRIVACY}/last", None, "invalid-request"),
        ("PUT", f"{PRIVACY}/{'x' * 65}", {"value": "all"}, "invalid-request"),
        ("GET", f"{PRIVACY}/online/disallowed-list", None, "no-disallowed-list"),
        ("GET", f"{PRIVACY}/brand_new/disallowed-list", None, "no-disallowed-list"),
        ("PATCH", f"{PRIVACY}/online/disallowed-list", {"users": [SOMEBODY]}, "no-disallowed-list"),
        ("PATCH", LAST_LIST, {"users": []}, "invalid-input"),
        ("PATCH", LAST_LIST, {"users": [SOMEBODY, SOMEBODY]}, "invalid-input"),
        ("PATCH", LAST_LIST, {"users": [SOMEBODY], "dhash": ""}, "invalid-input"),
        ("PATCH", LAST_LIST, {"users": [{"jid": "nobody"}]}, "invalid-jid"),
        ("PATCH", LAST_LIST, {"users": [SOMEBODY | {"action": "ad"}]}, "unknown-name"),
        ("PATCH", LAST_LIST, {"users": [SOMEBODY | {"more": 1}]}, "invalid-request"),
        ("PUT", TIMER, {"duration": -1}, "invalid-duration"),
        ("PUT", TIMER, {"duration": 2**32}, "invalid-duration"),
        ("PUT", TIMER, {"duration": True}, "invalid-request"),
        ("PUT", TIMER, {"duration": "60"}, "invalid-request"),
        ("PUT", TIMER, {"duration": 1.5}, "invalid-request"),
        ("POST", CONTACTS, {"phones": []}, "invalid-request"),
        ("POST", CONTACTS, {"phones": ["+999 11 5550 0101"]}, "invalid-contact"),
        ("POST", CONTACTS, {"phones": ["٩٩٩١١٥٥٥٠١٠١"]}, "invalid-contact"),
        ("POST", CONTACTS, {"phones": ["999115550101"] * 1001}, "invalid-request"),
        ("POST", EMULATOR, {"event": "earthquake"}, "invalid-request"),
        ("POST", EMULATOR, {"event": "next_answer", "fault": "los"}, "unknown-name"),
        (
            "POST",
            EMULATOR,
            {"event": "next_answer", "fault": "slow", "seconds": 1e9},
            "invalid-request",
        ),
    ],
)
async def test_a_bad_request_is_refused_with_422_and_changes_nothing(
    client: httpx2.AsyncClient, method: str, path: str, body: object, kind: str
) -> None:
    before = [(await client.get(at)).json() for at in (PRIVACY, LAST_LIST, TIMER)]
    answer = await client.request(method, path, json=body)
    assert problem(answer, 422, kind)["source"] == "gateway"
    assert [(await client.get(at)).json() for at in (PRIVACY, LAST_LIST, TIMER)] == before


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b'{"value": "all"', 422),
        (b'{"value": "\\ud800"}', 422),
        (b'{"\\ud800": 1}', 422),
        (b"\xc3\x28", 400),
        (b"[" * 100_000, 400),
        (b'{"value": ' + b"9" * 5_000 + b"}", 400),
        (b'{"value": NaN}', 422),
    ],
)
async def test_a_body_that_is_no_json_is_refused(
    client: httpx2.AsyncClient, content: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.put(f"{PRIVACY}/last", content=content, headers=headers)
    problem(answer, status, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {"users": [{"jid": "999115550101@s.whatsapp.net", "pn_jid": 999115550101}]},
        {"users": [{"jid": "999115550101@nowhere.example!"}]},
        {"users": "999115550101"},
        {"users": [SOMEBODY], "999115550101": 1},
        {"users": [{"999115550101": 1}]},
        {"users": [SOMEBODY | {"action": "999115550101"}]},
        {"users": [SOMEBODY], "dhash": "999115550101\x00"},
    ],
)
async def test_a_refusal_names_the_place_and_repeats_no_number(
    client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await client.patch(LAST_LIST, json=body)
    assert answer.status_code == 422
    assert "99911" not in answer.text


async def test_a_refusal_says_where_and_how_a_request_is_wrong(client: httpx2.AsyncClient) -> None:
    body = {"users": [SOMEBODY, {"jid": 1, "more": 2}], "dash": "x"}
    detail = (await client.patch(LAST_LIST, json=body)).json()["detail"]
    assert "body.users[1].jid: input should be a valid string" in detail
    assert "body.users[1] has a member that is not known" in detail


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/v1/accounts/demo/history?catgory=last", "query has a member that is not known"),
        ("/v1/accounts/demo/history?=last", "query has a member that is not known"),
        ("/v1/accounts/demo/history?limit=2&limit=5", "query.limit: is there several times"),
        (f"{PRIVACY}?category=last", "query has a member that is not known"),
        ("/v1/accounts?id=demo", "query has a member that is not known"),
        ("/v1/accounts/demo/events?since=1", "query has a member that is not known"),
    ],
)
async def test_a_query_holds_what_its_route_knows_once_and_nothing_else(
    client: httpx2.AsyncClient, path: str, fault: str
) -> None:
    assert fault in problem(await client.get(path), 422, "invalid-request")["detail"]
    assert client.app.openapi_schema is None  # making it would keep all others waiting


async def test_an_unknown_account_is_404_and_the_hint_names_the_known_ones(
    client: httpx2.AsyncClient,
) -> None:
    document = problem(
        await client.get("/v1/accounts/999115550101/privacy"), 404, "unknown-account"
    )
    assert "demo" in document["hint"]
    assert "99911" not in document["detail"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/accounts/", "/docs", "/redoc", f"{PRIVACY}/"])
async def test_a_path_that_is_none_is_404(client: httpx2.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404, "invalid-request")


async def test_a_method_that_a_path_does_not_take_is_405_and_names_those_it_takes(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.delete(TIMER)
    problem(answer, 405, "invalid-request")
    assert answer.headers["allow"] == "GET, PUT"


async def test_an_event_on_a_live_account_is_501() -> None:
    live = ProtocolAccount(AccountInfo("demo", "whatsapp"), EmulatedAccount().server.ask)
    async with client_of({"demo": live}, token=None) as client:
        event = {"event": "phone_sets", "category": "last", "value": "all"}
        problem(await client.post(EMULATOR, json=event), 501, "not-supported")


def test_an_account_needs_a_name_that_a_url_can_have() -> None:
    with pytest.raises(InvalidInputError):
        create_app({"a/b": EmulatedAccount()}, token=None)
