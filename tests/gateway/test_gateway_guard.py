"""Size, token and host of a request, what errors become, and what the log says."""

import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from asking import CONTACTS, EMULATOR, LAST_LIST, PRIVACY, TIMER, TOKEN, client_of, problem
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.events import NextAnswer
from privacy_sdk.errors import InvalidInputError, NotSupportedError
from privacy_sdk.gateway import create_app
from privacy_sdk.model.types import SetPrivacySettingResponse


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(token=TOKEN) as client:
        yield client


async def test_a_body_over_one_mebibyte_is_refused_by_the_length_it_announces(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.put(TIMER, content=b" " * (2**20 + 1))
    assert problem(answer, 413, "invalid-request")["detail"] == "The body is too long."


async def test_a_body_over_one_mebibyte_is_refused_when_it_announces_none(
    client: httpx2.AsyncClient,
) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 2**16
            yield b" " * 2**16

    problem(await client.put(TIMER, content=pieces()), 413, "invalid-request")


async def test_a_body_of_one_mebibyte_is_read(client: httpx2.AsyncClient) -> None:
    body = b'{"duration": 60}'.ljust(2**20)
    headers = {"content-type": "application/json"}
    assert (await client.put(TIMER, content=body, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("path", "query", "headers", "is_refused"),
    [
        (31_000, 0, {}, False),
        (0, 31_000, {}, False),
        (33_000, 0, {}, True),
        (0, 33_000, {}, True),
        (17_000, 17_000, {}, True),
        (9_000, 0, {"x": "y" * 25_000}, True),
        (0, 0, {f"x{n}": "y" * 400 for n in range(90)}, True),
        (0, 0, {f"{n}".rjust(400, "x"): "y" for n in range(90)}, True),
        (0, 0, {f"x{n}": "y" for n in range(80)}, False),
        (0, 0, {f"x{n}": "y" for n in range(101)}, True),
    ],
)
async def test_a_head_over_32_kib_is_refused_whatever_it_arrives_in(
    client: httpx2.AsyncClient, path: int, query: int, headers: dict[str, str], is_refused: bool
) -> None:
    answer = await client.get(f"/{'p' * path}?{'q' * query}", headers=headers)
    if is_refused:
        problem(answer, 431, "invalid-request")
    else:
        assert answer.status_code == 404


MANY_BAD = {
    "users": (LAST_LIST, '{"users":[%s]}', "{}"),
    "numbers": (LAST_LIST, '{"users":[%s]}', "1"),
    "expected settings": (PRIVACY, '{"changes":[],"expected":{"settings":[%s]}}', "{}"),
    "expected lists": (PRIVACY, '{"changes":[],"expected":{"lists":[%s]}}', "{}"),
    "changes": (PRIVACY, '{"changes":[%s]}', "{}"),
    "users of a change": (
        PRIVACY,
        '{"changes":[{"change":"list","category":"last","users":[%s]}]}',
        "{}",
    ),
    "phones": (CONTACTS, '{"phones":[%s]}', "1"),
    "members": (LAST_LIST, "{%s}", '"?????":1'),
    "users of an event": (EMULATOR, '{"event":"phone_lists","category":"last","users":[%s]}', "{}"),
}


@pytest.mark.parametrize("what", MANY_BAD)
async def test_a_mebibyte_of_bad_items_is_refused_for_the_first_of_them(
    client: httpx2.AsyncClient, what: str
) -> None:
    at, around, item = MANY_BAD[what]
    items = [
        item.replace("?????", f"{i:05x}") for i in range((2**20 - len(around)) // (len(item) + 1))
    ]
    method = "PATCH" if at in (LAST_LIST, PRIVACY) else "POST"
    headers = {"content-type": "application/json"}
    began = time.thread_time()
    answer = await client.request(method, at, content=around % ",".join(items), headers=headers)
    assert time.thread_time() - began < 0.8
    assert ", and " not in problem(answer, 422, "invalid-request")["detail"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        "Bearer é",
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/accounts", PRIVACY, "/openapi.json", "/nowhere", "/healthz/"]
)
async def test_without_the_token_everything_is_401(authorization: str | None, path: str) -> None:
    async with client_of(token=TOKEN) as client:
        del client.headers["Authorization"]
        headers = (
            {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
        )
        answer = await client.get(path, headers=headers)
    problem(answer, 401, "invalid-token")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("url", [f"{PRIVACY}?token=any", f"{PRIVACY}?t={TOKEN}"])
async def test_a_token_in_the_url_is_refused_even_with_the_header(
    client: httpx2.AsyncClient, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        document = problem(await client.get(url), 401, "invalid-token")
    assert "header" in document["hint"]
    assert TOKEN not in json.dumps(document) + repr([record.__dict__ for record in caplog.records])


async def test_a_token_in_the_path_is_in_neither_answer_nor_log(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        answers = [await client.get(f"/v1{at}/{TOKEN}/privacy") for at in ("", "/accounts")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert not [answer for answer in answers if TOKEN in answer.text]
    assert TOKEN not in repr([record.__dict__ for record in caplog.records])


@pytest.mark.parametrize("token", ["", "two words", "line\n"])
def test_a_token_that_no_header_can_carry_opens_nothing(token: str) -> None:
    with pytest.raises(InvalidInputError):
        create_app({}, token=token)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8480", "127.0.0.1.evil.example", "localhost.evil.example",
     "10.0.0.1", "[2001:db8::1]", "[", "", "localhost@evil.example"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/healthz", "/v1/accounts"])
async def test_a_request_for_another_host_is_refused(
    client: httpx2.AsyncClient, host: str, path: str
) -> None:
    problem(await client.get(path, headers={"Host": host}), 421, "invalid-request")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8480", "localhost", "LOCALHOST:1", "[::1]:8480", "gw.example"]
)
async def test_this_machine_goes_by_its_loopback_names_and_by_those_allowed(host: str) -> None:
    async with client_of(token=None, allowed_hosts=["GW.example"]) as client:
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(("reached", "status"), [("192.0.2.1", 200), ("evil.example", 421)])
async def test_beyond_this_machine_it_answers_by_the_address_that_was_reached(
    client: httpx2.AsyncClient, reached: str, status: int
) -> None:
    assert (await client.get(f"http://{reached}/healthz")).status_code == status


async def test_no_page_of_another_site_may_read_an_answer(client: httpx2.AsyncClient) -> None:
    answer = await client.get(PRIVACY, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("event", "status", "kind"),
    [
        (NextAnswer("refused", code=400), 400, "bad-request"),
        (NextAnswer("refused", code=403), 502, "not-authorized"),
        (NextAnswer("refused", code=404), 404, "item-not-found"),
        (NextAnswer("refused", code=406), 502, "refused"),
        (NextAnswer("refused_inside", code=409), 409, "conflict"),
        (NextAnswer("refused", code=429, backoff=1.2), 429, "rate-limit"),
        (NextAnswer("refused", code=503), 502, "service-unavailable"),
    ],
)
async def test_an_accounts_error_keeps_its_kind(event: NextAnswer, status: int, kind: str) -> None:
    account = EmulatedAccount()
    await account.emulate(replace(event, operation="set_privacy_setting"))
    async with client_of({"demo": account}, token=None) as client:
        answer = await client.put(f"{PRIVACY}/last", json={"value": "none"})
    document = problem(answer, status, kind)
    assert document["source"] == "whatsapp"
    assert answer.headers.get("retry-after") == ("2" if event.backoff else None)


class Unheard(EmulatedAccount):
    """Makes a change whose answer is lost, and then refuses to be read."""

    async def set_privacy_setting(self, *change: Any, **more: Any) -> SetPrivacySettingResponse:
        await self.emulate(NextAnswer("lost", operation="set_privacy_setting"))
        await self.emulate(NextAnswer("refused", operation="fetch_privacy_settings"))
        return await super().set_privacy_setting(*change, **more)


async def test_a_change_that_is_lost_and_cannot_be_read_back_is_an_unknown_outcome() -> None:
    async with client_of({"demo": Unheard()}, token=None) as client:
        answer = await client.put(f"{PRIVACY}/last", json={"value": "none"})
        assert problem(answer, 503, "outcome-unknown")["source"] == "gateway"
        settings = (await client.get(PRIVACY)).json()["settings"]
        assert {"category": "last", "value": "none"} in settings


async def test_a_lost_answer_to_a_question_is_a_timeout() -> None:
    account = EmulatedAccount()
    await account.emulate(NextAnswer("lost"))
    async with client_of({"demo": account}, token=None) as client:
        problem(await client.get(PRIVACY), 504, "timeout")


async def test_what_an_account_cannot_do_is_501_with_the_reason() -> None:
    class Unreading(EmulatedAccount):
        async def fetch_default_disappearing_mode(self) -> int:
            raise NotSupportedError("tryx cannot read the timer.")

    async with client_of({"demo": Unreading()}, token=None) as client:
        document = problem(await client.get(TIMER), 501, "not-supported")
    assert document["detail"] == "tryx cannot read the timer."


async def test_a_crash_is_500_with_a_masked_traceback_in_the_log_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(EmulatedAccount):
        async def fetch_default_disappearing_mode(self) -> int:
            raise KeyError("999115550101@s.whatsapp.net")

    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        async with client_of({"demo": Broken()}, token=None) as client:
            answer = await client.get(TIMER)
    document = problem(answer, 500, "gateway")
    failed, request = (record.fields for record in caplog.records)
    assert "KeyError" in failed["traceback"]
    assert "99911" not in failed["traceback"] + answer.text
    assert "KeyError" not in json.dumps(document)
    assert failed["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert request["status"] == 500


async def test_each_answer_has_a_number_of_its_own_though_one_response_answers_twice() -> None:
    app = create_app({}, token=None)
    app.router.routes.append(Mount("/again", PlainTextResponse("again")))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answers = [await client.get("/again/") for _ in range(2)]
    numbers = [answer.headers.get_list("x-request-id") for answer in answers]
    assert [len(each) for each in numbers] == [1, 1]
    assert numbers[0] != numbers[1]


async def test_an_answer_that_breaks_its_own_schema_is_500() -> None:
    class Odd(EmulatedAccount):
        async def fetch_default_disappearing_mode(self) -> int:
            return "soon"

    async with client_of({"demo": Odd()}, token=None) as client:
        problem(await client.get(TIMER), 500, "gateway")


async def test_a_path_of_any_length_is_a_short_one_in_the_log(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        await client.get("/a" * 15_000)
    (record,) = caplog.records
    assert record.fields["path"].startswith("/a/a/")
    assert len(record.fields["path"]) <= 200


async def test_the_log_names_requests_and_no_people(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "privacy_sdk.gateway"):
        async with client_of(token=None) as client:
            await client.get("/v1/accounts/999115550101/privacy?phone=999115550102")
            await client.post(CONTACTS, json={"phones": ["999115550101"]})
    first, second = (record.fields for record in caplog.records)
    assert (first["method"], first["status"]) == ("GET", 404)
    assert (second["path"], second["status"]) == (CONTACTS, 200)
    assert first["request_id"] != second["request_id"]
    assert "99911" not in repr(first) + repr(second)
