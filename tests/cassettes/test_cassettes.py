"""Replay: the answer that was recorded for this request, for its turn, or a helpful miss."""

import asyncio
import http.server
import pickle
import subprocess
import sys
import threading
import urllib.request

import httpx2
import pytest
from recording_tools import answering, echoing, recording, replaying, session

import privacy_sdk as ps
from privacy_sdk.cassettes.transport import CassetteTransport
from privacy_sdk.errors import (
    InvalidInputError,
    NotRecordedError,
    PrivacyError,
    RecordingError,
    UnknownNameError,
)

NUMBER, OTHER = "+5511912345678", "+5511912340000"
PSEUDONYM = "999900000001"
DATE = "Thu, 26 Nov 2026 01:05:24 GMT"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


async def test_requests_to_one_address_are_told_apart_by_their_bodies(path):
    async with recording(path) as client:
        for value in ("all", "none"):
            await client.put("/v1/accounts/x/privacy/last", json={"value": value})
    async with replaying(path) as client:
        for value, n in (("all", 1), ("none", 2)):
            answer = await client.put("/v1/accounts/x/privacy/last", json={"value": value})
            assert answer.json()["duration"] == n


async def test_a_repeated_request_plays_in_order_then_repeats_the_last(path):
    async with recording(path) as client:
        for _ in range(3):
            await client.get("/v1/accounts/x")
    async with replaying(path) as client:
        assert [(await client.get("/v1/accounts/x")).json()["duration"] for _ in range(5)] == [
            1,
            2,
            3,
            3,
            3,
        ]


async def test_host_port_order_of_query_and_spacing_of_json_do_not_matter(path):
    async with recording(path) as client:
        await client.post(
            "/v1/accounts/x/contacts?code=1&times=2", json={"phones": ["999115550101"]}
        )
    async with session(CassetteTransport(path), port=4321) as client:
        address = "/v1/accounts/x/contacts?times=2&code=1"
        response = await client.post(address, content='{ "phones":\n["999115550101"] }')
    assert response.json()["duration"] == 1


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("PATCH", "x/privacy/last", '{"value":"all"}'),
        ("PUT", "y/privacy/last", '{"value":"all"}'),
        ("PUT", "x/privacy/online", '{"value":"all"}'),
        ("PUT", "x/privacy/last?code=1", '{"value":"all"}'),
        ("PUT", "x/privacy/last", '{"value":"none"}'),
        ("PUT", "x/privacy/last", '{"value":true}'),
        ("PUT", "x/privacy/last", ""),
    ],
)
async def test_whatever_else_differs_is_another_request(path, method, address, body):
    async with recording(path) as client:
        await client.put("/v1/accounts/x/privacy/last", content='{"value":"all"}')
    async with replaying(path) as client:
        with pytest.raises(NotRecordedError):
            await client.request(method, f"/v1/accounts/{address}", content=body)


async def test_fifty_concurrent_identical_requests_get_the_fifty_answers(path):
    async with recording(path) as client:
        for _ in range(50):
            await client.get("/v1/accounts/x")
    async with replaying(path) as client:
        answers = await asyncio.gather(*(client.get("/v1/accounts/x") for _ in range(50)))
    assert [answer.json()["duration"] for answer in answers] == list(range(1, 51))


async def test_status_body_and_the_headers_that_matter_are_replayed(path):
    headers = {
        "Retry-After": "7",
        "Set-Cookie": "a=b",
        "Date": "Thu, 26 Nov 2026 01:05:24 GMT",
        "X-Request-ID": "1",
    }
    refusal = httpx2.Response(429, headers=headers, json={"hint": "slow down"})
    async with recording(path, server=lambda: answering(refusal)) as client:
        assert (await client.get("/v1/accounts/x")).headers["X-Request-ID"] == "1"
    async with replaying(path) as client:
        response = await client.get("/v1/accounts/x")
    assert (response.status_code, response.reason_phrase) == (429, "Too Many Requests")
    assert dict(response.headers) == {
        "content-type": "application/json",
        "date": DATE,
        "retry-after": "7",
    }
    assert response.json() == {"hint": "slow down"}


async def test_a_miss_says_in_words_what_there_is_and_how_to_record_anew(path):
    async with recording(path) as client:
        for value in ("all", "contacts", "none"):
            await client.put("/v1/accounts/demo/privacy/last", json={"value": value})
        await client.put("/v1/accounts/demo/privacy/online", json={"value": "all"})
    async with replaying(path) as client:
        with pytest.raises(NotRecordedError) as caught:
            await client.put("/v1/accounts/demo/privacy/last", json={"value": "known"})
    error = caught.value
    assert (
        "does not have the change of last → people I know. It has: last → everyone" in error.message
    )
    assert "ps.Client.emulated()" in error.hint
    assert 'record_mode="all"' in error.hint
    assert len(error.message) + len(error.hint) <= 400
    assert error.nearest == ("last → everyone", "last → my contacts", "last → nobody")
    assert not isinstance(error, httpx2.HTTPError | OSError)
    assert pickle.loads(pickle.dumps(error)).nearest == error.nearest
    assert error._render_traceback_()[-2:] == [f"NotRecordedError: {error.message}", error.hint]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda c: c.set_privacy_setting("last", "all"), "the change of last → everyone"),
        (lambda c: c.apply(c.plan({"online": "match_last_seen"})), "a plan (online → same as last"),
        (lambda c: c.fetch_disallowed_list("groupadd"), "does not have the list of groupadd"),
        (lambda c: c.exclude("last", ["+999115550104"]), "the look-up of 1 number"),
        (lambda c: c.set_default_disappearing_mode(1), "the change of timer → 1 second"),
    ],
)
def test_a_miss_of_a_recording_of_ours_is_short_and_names_it_as_the_user_did(ask, says):
    client = ps.Client.replay("tour")
    with pytest.raises(NotRecordedError) as caught:
        ask(client)
    error = caught.value
    assert says in error.message
    assert error.message.startswith("The recording 'tour' ")
    assert error.hint == "An account that answers anything: ps.Client.emulated()."
    assert len(error.message) + len(error.hint) <= 400
    assert "WhatsApp" not in error.message + error.hint


async def test_a_number_of_ones_own_stands_for_a_pseudonym_and_is_answered_by_itself(path):
    row = {"phone": "5511912345678", "jid": "203948576102938@lid", "pn_jid": None}
    async with recording(path, server=lambda: echoing(contacts=[row])) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": [NUMBER]})
    assert "91234" not in path.read_text()
    for spelling, named in ((NUMBER, NUMBER[1:]), (OTHER, OTHER[1:]), (f"+{PSEUDONYM}", PSEUDONYM)):
        async with replaying(path) as client:
            for _ in range(2):
                answer = await client.post("/v1/accounts/x/contacts", json={"phones": [spelling]})
                (found,) = answer.json()["contacts"]
                assert found["phone"] == named
                assert found["jid"] == "999900000000001@lid"


async def test_a_second_person_is_not_the_first(path):
    async with recording(path) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": [NUMBER]})
    async with replaying(path) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": [NUMBER]})
        with pytest.raises(NotRecordedError, match="only for another person"):
            await client.post("/v1/accounts/x/contacts", json={"phones": [OTHER]})


async def test_a_fixture_stands_for_nobody_else(path):
    async with recording(path) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": ["+999115550101"]})
        await client.post("/v1/accounts/x/contacts", json={"phones": [NUMBER]})
    for number in ("+999115550102", "+999900000002"):
        async with replaying(path) as client:
            with pytest.raises(NotRecordedError, match="only for another person"):
                await client.post("/v1/accounts/x/contacts", json={"phones": [number]})


async def test_an_account_whose_name_is_a_number_is_nobodys_and_is_bound(path):
    async with recording(path) as client:
        await client.get("/v1/accounts/wa-5511912345678")
    assert "5511912345678" not in path.read_text()
    assert CassetteTransport(path).account == PSEUDONYM
    for name in ("wa-5511912345678", PSEUDONYM):
        async with replaying(path) as client:
            assert (await client.get(f"/v1/accounts/{name}")).json()["duration"] == 1


async def test_a_miss_names_nobody(path):
    async with recording(path) as client:
        await client.post("/v1/accounts/x/contacts", json={"phones": [NUMBER]})
    async with replaying(path) as client:
        asked = {"phones": [OTHER, "1234567"], "push_name": "Ana", "token": "secret"}
        with pytest.raises(NotRecordedError) as caught:
            await client.post("/v1/accounts/x/contacts?q=Bearer+secret", json=asked)
    told = f"{caught.value}{caught.value.hint}{caught.value.nearest!r}"
    for personal in ("91234", "1234567", "Ana", "secret"):
        assert personal not in told


async def test_what_was_not_played_is_known(path):
    async with recording(path) as client:
        for value in ("all", "none"):
            await client.put("/v1/accounts/x/privacy/last", json={"value": value})
    transport = CassetteTransport(path)
    async with session(transport) as client:
        assert transport.unplayed() == ["last → everyone", "last → nobody"]
        await client.put("/v1/accounts/x/privacy/last", json={"value": "all"})
        assert transport.unplayed() == ["last → nobody"]


async def test_the_account_is_known_from_the_recording(path):
    async with recording(path) as client:
        await client.get("/healthz")
        await client.get("/v1/accounts/my%20phone/privacy")
    assert CassetteTransport(path).account == "my phone"
    async with recording(path.with_name("other.yaml")) as client:
        await client.get("/v1/accounts")
    assert CassetteTransport(path.with_name("other.yaml")).account is None


def test_an_unknown_record_mode_is_refused(path):
    with pytest.raises(UnknownNameError, match="is not a known record mode") as caught:
        CassetteTransport(path, records=True, record_mode="new_episodes")
    assert "once, all" in caught.value.hint
    assert isinstance(caught.value, PrivacyError)


@pytest.mark.parametrize("bad", [None, 7, b"my.yaml", "", "a\0b", ["my.yaml"]], ids=repr)
@pytest.mark.parametrize("records", [False, True])
def test_what_is_no_path_is_refused(bad, records):
    with pytest.raises(InvalidInputError, match="is not a path"):
        CassetteTransport(bad, records=records)


@pytest.mark.parametrize("records", [False, True])
def test_a_path_that_no_file_system_takes_is_refused(tmp_path, records):
    with pytest.raises(RecordingError, match="File name too long"):
        CassetteTransport(tmp_path / ("x" * 300), records=records)


def test_a_bare_name_is_not_recorded_to():
    with pytest.raises(RecordingError, match="comes with the package") as caught:
        CassetteTransport("mine", records=True)
    assert '"mine.yaml"' in caught.value.hint


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


async def test_other_requests_of_the_process_are_not_touched_while_one_replays(path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
            return answer.read()

    async with recording(path) as client:
        await client.get("/v1/accounts/x")
    async with replaying(path) as client:
        assert await asyncio.to_thread(ask) == b"hello"
        assert (await client.get("/v1/accounts/x")).json()["duration"] == 1
        assert await asyncio.to_thread(ask) == b"hello"
    assert await asyncio.to_thread(ask) == b"hello"
    await asyncio.to_thread(server.shutdown)
    server.server_close()


def test_a_replay_imports_no_vcrpy_which_would_import_every_http_library():
    code = (
        "import sys, privacy_sdk as ps; ps.Client.replay('tour').fetch_privacy_settings(); "
        "print({'vcr', 'requests', 'urllib3'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout.strip(), answer.stderr) == ("set()", "")
