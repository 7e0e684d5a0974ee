"""What a gateway's client makes of good, bad, late and lost answers."""

import asyncio
import gc
import json
import ssl
import sys
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from asking import make_certificate

import privacy_sdk as ps
from privacy_sdk.accounts.events import PhoneSets
from privacy_sdk.accounts.http import MAX_ANSWER, HttpAccount
from privacy_sdk.accounts.network import Network
from privacy_sdk.model.changes import TimerChange
from privacy_sdk.model.state import SettingsState
from privacy_sdk.testing import running_gateway

SETTINGS = {"settings": [{"category": "last", "value": "all"}]}
ENTRY = ps.DisallowedListUserEntry("999000000000001@lid")
UPDATE = ps.DisallowedListUpdate("1", [ENTRY])

Handler = Callable[[httpx2.Request], httpx2.Response]


def account_over(handler: Handler, **options) -> HttpAccount:
    options = {"account": "demo", "offline": True} | options
    return HttpAccount(transport=httpx2.MockTransport(handler), **options)


def answering(*answers: object) -> tuple[HttpAccount, list[httpx2.Request]]:
    """An account whose requests get the answers in turn, the last one for ever."""
    asked: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)

    return account_over(handler), asked


def problem(slug: str, status: int, **members: object) -> httpx2.Response:
    document = {"type": f"urn:privacy-sdk:{slug}", "status": status, "detail": slug, **members}
    return httpx2.Response(status, json=document)


async def set_last(account: HttpAccount) -> None:
    await account.set_privacy_setting(ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE)


async def test_an_account_that_was_named_is_asked_for_in_the_path():
    account, asked = answering(SETTINGS)
    assert (await account.fetch_privacy_settings()).get_value("last") == "all"
    assert [request.url.path for request in asked] == ["/v1/accounts/demo/privacy"]


async def test_a_list_is_not_read_again_where_nobody_watches():
    account, asked = answering({"dhash": "2"})
    await ps.AsyncClient.from_account(account).set_privacy_disallowed_list("last", UPDATE)
    assert [request.method for request in asked] == ["PATCH"]


async def test_the_only_account_is_found_once_for_concurrent_calls():
    asked = []

    async def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        await asyncio.sleep(0)
        if request.url.path == "/v1/accounts":
            row = {"id": "me", "backend": "emulated", "state": "connected", "capabilities": []}
            return httpx2.Response(200, json={"accounts": [row]})
        return httpx2.Response(200, json=SETTINGS)

    account = account_over(handler, account=None)
    await asyncio.gather(*(account.fetch_privacy_settings() for _ in range(5)))
    assert asked.count("/v1/accounts") == 1
    assert asked.count("/v1/accounts/me/privacy") == 5


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "serves no account"),
        (["a", "b"], "several accounts"),
    ],
)
async def test_an_account_that_cannot_be_chosen_is_said_with_what_there_is(names, message):
    rows = [
        {"id": name, "backend": "emulated", "state": "connected", "capabilities": []}
        for name in names
    ]
    account = account_over(
        lambda request: httpx2.Response(200, json={"accounts": rows}), account=None
    )
    with pytest.raises(ps.errors.UnknownAccountError, match=message) as caught:
        await account.info()
    assert all(name in caught.value.hint for name in names)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx2.Response(200, text="<html>It works!</html>"), "not JSON"),
        (httpx2.Response(200, content=b""), "empty"),
        (httpx2.Response(200, content=b'{"settings": [{"categ'), "not JSON"),
        (httpx2.Response(200, content=b"\xff\xfe\x00"), "not JSON"),
        (httpx2.Response(200, content=b"[" * 100_000), "nested|not JSON"),
        (httpx2.Response(200, json={}), "'settings'"),
        (httpx2.Response(200, json=[]), "'settings'"),
        (httpx2.Response(200, json={"settings": {}}), "'settings'"),
        (httpx2.Response(302, headers={"location": "http://127.0.0.1/"}), "status 302"),
        (httpx2.Response(500, text="<html>Oh dear</html>"), "status 500"),
        (httpx2.Response(500, json={"detail": "Internal Server Error"}), "without a problem"),
    ],
)
async def test_an_answer_that_is_not_the_protocols_is_said_to_be_unreadable(answer, message):
    account, asked = answering(answer)
    with pytest.raises(ps.errors.UnreadableAnswerError, match=message):
        await account.fetch_privacy_settings()
    assert len(asked) == 1


async def test_a_huge_answer_is_not_read_to_its_end():
    pieces = []

    async def endless():
        for _ in range(50):
            pieces.append(1)
            yield b" " * 2**20

    account = account_over(lambda request: httpx2.Response(200, content=endless()))
    with pytest.raises(ps.errors.UnreadableAnswerError, match="32 MiB"):
        await account.fetch_privacy_settings()
    assert len(pieces) == MAX_ANSWER // 2**20 + 1


async def test_rows_that_cannot_be_read_are_left_out_with_a_warning():
    rows = [
        {"category": "last", "value": "all"},
        {"category": "online"},
        {"value": "all"},
        {"category": "profile", "value": "error"},
        "nonsense",
        {"category": "stickers", "value": "contact_allowlist"},
    ]
    account, _ = answering({"settings": rows})
    with pytest.warns(ps.PrivacyWarning) as caught:
        settings = await account.fetch_privacy_settings()
    assert [setting.category for setting in settings] == ["last", "stickers"]
    assert len(caught) == 4


async def test_a_question_is_repeated_when_its_answer_is_lost():
    account, asked = answering(httpx2.ReadError("reset"), httpx2.ReadTimeout("late"), SETTINGS)
    assert len(await account.fetch_privacy_settings()) == 1
    assert len(asked) == 3


async def test_a_question_that_is_never_answered_is_a_timeout_in_the_end():
    account, asked = answering(httpx2.ReadError("reset"))
    with pytest.raises(ps.errors.AnswerTimeoutError, match="connection ended"):
        await account.fetch_privacy_settings()
    assert len(asked) == 4


async def test_no_change_is_repeated_when_its_answer_is_lost():
    account, asked = answering(httpx2.ReadError("reset"))
    with pytest.raises(ps.OutcomeUnknownError, match="sent and the connection ended"):
        await set_last(account)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "then", [httpx2.ConnectError("refused"), problem("rate-limit", 429), problem("conflict", 409)]
)
async def test_what_a_repetition_meets_does_not_hide_that_the_first_may_stand(then):
    account, _ = answering(httpx2.ReadError("reset"), then)
    with pytest.raises(ps.OutcomeUnknownError):
        await set_last(account)


@pytest.mark.parametrize("call", [set_last, HttpAccount.unlink])
async def test_what_became_of_a_change_is_said_though_nothing_can_be_imported(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "tenacity", None)
    account, asked = answering(httpx2.ReadError("reset"))
    with pytest.raises(ps.OutcomeUnknownError, match="sent and the connection ended"):
        await call(account)
    assert len(asked) == 1


async def test_a_gateway_that_is_not_there_is_said_though_nothing_can_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "tenacity", None)
    account, _ = answering(httpx2.ConnectError("refused"))
    with pytest.raises(ps.errors.NotConnectedError, match="No gateway answers"):
        await account.fetch_privacy_settings()


async def test_an_unreadable_answer_to_a_change_leaves_its_outcome_unknown():
    account, _ = answering(httpx2.Response(500, text="<html>"))
    with pytest.raises(ps.OutcomeUnknownError, match="cannot be read"):
        await account.set_default_disappearing_mode(0)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxys_own_page_means_that_the_gateway_is_not_reached(status):
    page = httpx2.Response(status, text="<html>")
    account, asked = answering(page, page, {"settings": []})
    assert list(await account.fetch_privacy_settings()) == []
    assert len(asked) == 3
    account, _ = answering(page)
    with pytest.raises(ps.NotConnectedError, match=f"answers {status}"):
        await account.fetch_privacy_settings()
    account, asked = answering(page)
    with pytest.raises(ps.OutcomeUnknownError, match=f"proxy answered {status}"):
        await account.set_privacy_disallowed_list(ps.PrivacyCategory.LAST, UPDATE)
    assert len(asked) == 1


async def test_who_waits_is_answered_by_a_gateway_that_comes_up_meanwhile(monkeypatch):
    slept = 0.0

    async def sleep(seconds):
        nonlocal slept
        slept += seconds

    def handler(request):
        if slept < 8:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json={"settings": []})

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await account_over(handler, wait=30, offline=False).fetch_privacy_settings()
    assert slept >= 8


async def test_a_list_update_is_never_repeated_when_its_answer_is_lost():
    account, asked = answering(httpx2.ReadError("reset"), {"dhash": "2"})
    with pytest.raises(ps.OutcomeUnknownError):
        await account.set_privacy_disallowed_list(ps.PrivacyCategory.LAST, UPDATE)
    assert len(asked) == 1


async def test_a_refused_list_update_may_be_repeated_for_nothing_was_done():
    account, asked = answering(problem("rate-limit", 429, retry_after=0), {"dhash": "2"})
    answer = await account.set_privacy_disallowed_list(ps.PrivacyCategory.LAST, UPDATE)
    assert answer.dhash == "2"
    assert len(asked) == 2


async def test_a_rate_limit_that_does_not_say_how_long_is_not_repeated():
    account, asked = answering(problem("rate-limit", 429, code=429))
    with pytest.raises(ps.errors.RateLimitError):
        await account.fetch_privacy_settings()
    assert len(asked) == 1


async def test_nobody_listening_is_said_after_a_few_tries():
    account, asked = answering(httpx2.ConnectError("refused"))
    with pytest.raises(ps.NotConnectedError, match="No gateway answers at") as caught:
        await account.set_privacy_setting(ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE)
    assert len(asked) == 4
    assert "privacy-sdk gateway" in caught.value.hint


async def test_a_wait_that_the_server_asks_for_is_honoured(monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("privacy_sdk.accounts.http.asyncio.sleep", sleep)
    answers = iter([problem("rate-limit", 429, code=429, retry_after=7)])
    account = account_over(
        lambda request: next(answers, httpx2.Response(200, json=SETTINGS)), offline=False
    )
    await account.fetch_privacy_settings()
    assert slept == [7.0]
    await account.aclose()


async def test_a_wait_beyond_the_bound_is_left_to_the_user():
    account = account_over(
        lambda request: problem("rate-limit", 429, code=429, retry_after=3600), offline=False
    )
    with pytest.raises(ps.errors.RateLimitError) as caught:
        await account.fetch_privacy_settings()
    assert caught.value.backoff == 3600
    await account.aclose()


async def test_at_most_eight_requests_are_under_way():
    under_way = peak = 0

    async def handler(request: httpx2.Request) -> httpx2.Response:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return httpx2.Response(200, json=SETTINGS)

    account = account_over(handler)
    await asyncio.gather(*(account.fetch_privacy_settings() for _ in range(40)))
    assert peak == 8


async def test_an_answer_later_than_the_timeout_counts_as_lost():
    async def handler(request: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    account = account_over(handler, timeout=0.01)
    with pytest.raises(ps.errors.AnswerTimeoutError, match=r"within 0\.01 seconds"):
        await account.fetch_privacy_settings()


async def test_the_token_travels_in_a_header_and_is_shown_nowhere():
    account, asked = answering(SETTINGS)
    account = HttpAccount(
        token="s3cret-t0ken", account="demo", transport=account.transport, offline=True
    )
    await account.fetch_privacy_settings()
    assert asked[0].headers["authorization"] == "Bearer s3cret-t0ken"
    assert "s3cret" not in repr(account) + str(asked[0].url)
    assert "[secure]" in repr(account)


async def test_a_phone_number_is_in_no_url():
    account, asked = answering({"contacts": []})
    await account.find_contacts(["999115550101"])
    assert "999115550101" not in str(asked[0].url)
    assert json.loads(asked[0].content) == {"phones": ["999115550101"]}


async def test_a_closed_account_says_so():
    account, asked = answering(SETTINGS)
    await account.aclose()
    with pytest.raises(ps.errors.UsageError, match="closed"):
        await account.fetch_privacy_settings()
    assert not asked


CALLS: dict[str, Callable[[HttpAccount], Awaitable[object]]] = {
    "question": lambda account: account.fetch_privacy_settings(),
    "watch": lambda account: anext(account.watch(after=0)),
    "several": lambda account: asyncio.gather(*(account.fetch_privacy_settings() for _ in "12")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_closed_while_it_connects_it_leaves_nothing_open_and_says_so(call):
    """Each time a step of the event loop later; warnings, as of an open socket, are errors."""
    said = []
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url:
        for steps in range(16):
            account = HttpAccount(url, account="demo")
            asked = asyncio.ensure_future(call(account))
            for _ in range(steps):
                await asyncio.sleep(0)
            await account.aclose()
            async with asyncio.timeout(10):
                said += await asyncio.gather(asked, return_exceptions=True)
            del account, asked
            gc.collect()
    assert {str(error) for error in said if isinstance(error, Exception)} == {
        "The client is closed."
    }


async def test_a_change_under_way_when_the_client_is_closed_is_of_unknown_outcome():
    begun = asyncio.Event()

    async def never_answered(request: httpx2.Request) -> httpx2.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    account = account_over(never_answered)
    change = asyncio.ensure_future(account.set_default_disappearing_mode(60))
    await begun.wait()
    await account.aclose()
    with pytest.raises(ps.OutcomeUnknownError, match="the client was closed before the answer"):
        await change


async def test_who_waits_for_his_turn_when_the_client_is_closed_is_told():
    begun = asyncio.Event()

    async def never_answered(request: httpx2.Request) -> httpx2.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    account = account_over(never_answered)
    asked = [asyncio.ensure_future(account.fetch_privacy_settings()) for _ in range(20)]
    await begun.wait()
    await account.aclose()
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(error) for error in said} == {ps.errors.UsageError}


def test_an_account_works_in_one_loop_after_another():
    account, asked = answering(SETTINGS)
    for _ in range(2):
        assert len(asyncio.run(account.fetch_privacy_settings())) == 1
    assert len(asked) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8480",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999",
        "http://user:pass@127.0.0.1",
        "http://127.0.0.1/?token=x",
        None,
        7,
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ps.InvalidInputError) as caught:
        HttpAccount(url)
    assert "pass" not in caught.value.message.replace("password", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8480\n",
        "http://127.0.0.1\t:8480",
        "http://127.0.0.1 /",
        "http://127.0.0.1\u202e",
        "http://evil.example\\@127.0.0.1",
        "http://127.0.0.1/" + "x" * 2_000,
        "https://gateway..example",
        "http://[::1%..]",
        "https://" + "a" * 70 + ".example",
    ],
)
def test_an_address_that_hides_something_is_refused(url):
    with pytest.raises(ps.InvalidInputError, match="not a gateway's address"):
        HttpAccount(url)


@pytest.mark.parametrize("url", ["http://gateway.example", "http://10.0.0.1:8480", "HTTP://x"])
def test_beyond_this_machine_http_is_refused_unless_it_is_asked_for(url):
    with pytest.raises(ps.InvalidInputError, match="in clear") as caught:
        HttpAccount(url, token="s3cret")
    assert "insecure=True" in caught.value.hint
    HttpAccount(url, token="s3cret", insecure=True)
    HttpAccount(url.lower().replace("http", "https"), token="s3cret")


@pytest.mark.parametrize("url", ["http://127.0.0.1", "http://localhost:1", "http://[::1]:8480"])
def test_on_this_machine_http_is_good(url):
    HttpAccount(url, token="s3cret")


async def test_cookies_are_neither_kept_nor_sent():
    answer = httpx2.Response(200, json=SETTINGS, headers={"set-cookie": "sid=1; Path=/"})
    account, asked = answering(answer)
    for _ in range(2):
        await account.fetch_privacy_settings()
    assert len(asked) == 2
    assert not [request for request in asked if "cookie" in request.headers]


CHANGES = {
    "setting": lambda account: account.set_privacy_setting(
        ps.PrivacyCategory.LAST, ps.PrivacyValue.NONE
    ),
    "list": lambda account: account.set_privacy_disallowed_list(ps.PrivacyCategory.LAST, UPDATE),
    "timer": lambda account: account.set_default_disappearing_mode(60),
    "plan": lambda account: account.apply_changes(SettingsState(), [TimerChange(0, 60)]),
    "unlink": lambda account: account.unlink(),
}
NOT_READ = {
    "204": httpx2.Response(204),
    "{}": httpx2.Response(200, json={}),
    "null": httpx2.Response(200, content=b"null"),
    "[]": httpx2.Response(200, json=[]),
    "html": httpx2.Response(200, text="<html>"),
    "another": httpx2.Response(200, json={"duration": 61, "dhash": 7, "state": None}),
}


@pytest.mark.parametrize("answer", NOT_READ)
@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_whose_answer_cannot_be_read_is_of_unknown_outcome(change, answer):
    account, asked = answering(NOT_READ[answer])
    with pytest.raises(ps.OutcomeUnknownError, match="cannot be read"):
        await CHANGES[change](account)
    assert len(asked) == (4 if change == "unlink" else 1)


@pytest.mark.parametrize("answer", ["{}", "html", "[]"])
async def test_an_event_whose_answer_cannot_be_read_is_of_unknown_outcome(answer):
    account, _ = answering(NOT_READ[answer])
    with pytest.raises(ps.OutcomeUnknownError):
        await account.emulate(PhoneSets(ps.PrivacyCategory.LAST, ps.PrivacyValue.ALL))


@pytest.mark.parametrize("answer", ["204", "{}", "null"])
async def test_a_client_reads_back_what_such_an_answer_leaves_open(answer):
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method != "GET":
            return NOT_READ[answer]
        return httpx2.Response(200, json={"settings": [{"category": "last", "value": "none"}]})

    client = ps.AsyncClient.from_account(account_over(handler))
    assert await client.set_privacy_setting("last", "none") == ps.SetPrivacySettingResponse(None)
    with pytest.raises(ps.OutcomeUnknownError):
        await client.set_privacy_setting("last", "all")


@pytest.mark.parametrize("timeout", [0, -1, True, "1", None, float("nan"), 10**400])
def test_what_is_no_timeout_is_refused(timeout):
    with pytest.raises(ps.InvalidInputError, match="timeout"):
        HttpAccount(timeout=timeout)


@pytest.mark.parametrize("account", ["", "a/b", "..", "a b", "é", "x" * 65, 7])
def test_what_is_no_accounts_name_is_refused(account):
    with pytest.raises(ps.InvalidInputError, match="account"):
        HttpAccount(account=account)


@pytest.mark.parametrize("token", ["", "two words", "line\n", "é", 7])
def test_what_is_no_token_is_refused_without_showing_it(token):
    with pytest.raises(ps.PrivacyError) as caught:
        HttpAccount(token=token)
    assert "words" not in str(caught.value)


async def test_a_name_in_a_path_is_one_part_of_it():
    account, asked = answering({"dhash": None})
    await account.set_privacy_setting(ps.PrivacyCategory("a/../b?c#d"), ps.PrivacyValue.ALL)
    assert asked[0].url.raw_path == b"/v1/accounts/demo/privacy/a%2F..%2Fb%3Fc%23d"


async def test_a_proxy_of_the_environment_never_sees_what_goes_to_this_machine(monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with running_gateway({"demo": ps.EmulatedAccount()}) as url:
        account = HttpAccount(url, account="demo")
        assert await account.fetch_default_disappearing_mode() == 0
        await account.aclose()


@pytest.mark.parametrize(
    ("host", "is_trusted", "why"),
    [("localhost", False, "self-signed"), ("elsewhere.invalid", True, "Hostname mismatch")],
)
async def test_a_gateway_whose_certificate_nobody_vouches_for_is_sent_nothing(
    host: str, is_trusted: bool, why: str, tmp_path
):
    certificate, key = make_certificate(tmp_path, host)
    served: list[bytes] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    url = f"https://localhost:{port}"
    network = Network(url, ca=certificate if is_trusted else None)
    account = HttpAccount(url, account="demo", token="s3cret", transport=network)
    with pytest.raises(ps.NotConnectedError, match=why):
        await account.fetch_privacy_settings()
    await account.aclose()
    server.close()
    assert not any(served)
