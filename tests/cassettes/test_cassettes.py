"""Replay: the answer that was recorded for this request, for its turn, or a helpful miss."""

import asyncio
import http.server
import pickle
import subprocess
import sys
import textwrap
import threading
import urllib.request

import httpx2
import pytest
from recording_tools import answering, echoing, recording, replaying, session

from privacy_sdk.cassettes.transport import CassetteTransport
from privacy_sdk.errors import (
    InvalidInputError,
    NotRecordedError,
    PrivacyError,
    RecordingError,
    UnknownNameError,
)

NUMBER, OTHER = "+55 11 91234-5678", "+55 11 91234-0000"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


async def test_requests_to_one_address_are_told_apart_by_their_bodies(path):
    async with recording(path) as client:
        for value in ("all", "none"):
            await client.patch("/v1/x", json={"value": value})
    async with replaying(path) as client:
        for value, n in (("none", 2), ("all", 1)):
            assert (await client.patch("/v1/x", json={"value": value})).json()["n"] == n


async def test_a_repeated_request_plays_in_order_then_repeats_the_last(path):
    async with recording(path) as client:
        for _ in range(3):
            await client.get("/v1/x")
    async with replaying(path) as client:
        assert [(await client.get("/v1/x")).json()["n"] for _ in range(5)] == [1, 2, 3, 3, 3]


async def test_host_port_order_of_query_and_spacing_of_json_do_not_matter(path):
    async with recording(path) as client:
        await client.post("/v1/x?a=1&b=2", json={"a": 1, "b": [2]})
    async with session(CassetteTransport(path), port=4321) as client:
        response = await client.post("/v1/x?b=2&a=1", content='{ "b": [2],\n"a": 1 }')
    assert response.json()["n"] == 1


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "/v1/x?a=1", '{"v":1}'),
        ("PUT", "/v1/y?a=1", '{"v":1}'),
        ("PUT", "/v1/x?a=2", '{"v":1}'),
        ("PUT", "/v1/x?a=1&a=1", '{"v":1}'),
        ("PUT", "/v1/x", '{"v":1}'),
        ("PUT", "/v1/x?a=1", '{"v":true}'),
        ("PUT", "/v1/x?a=1", '{"v":"1"}'),
        ("PUT", "/v1/x?a=1", ""),
    ],
)
async def test_whatever_else_differs_is_another_request(path, method, address, body):
    async with recording(path) as client:
        await client.put("/v1/x?a=1", content='{"v":1}')
    async with replaying(path) as client:
        with pytest.raises(NotRecordedError):
            await client.request(method, address, content=body)


async def test_fifty_concurrent_identical_requests_get_the_fifty_answers(path):
    async with recording(path) as client:
        for _ in range(50):
            await client.get("/v1/x")
    async with replaying(path) as client:
        answers = await asyncio.gather(*(client.get("/v1/x") for _ in range(50)))
    assert [answer.json()["n"] for answer in answers] == list(range(1, 51))


async def test_status_body_and_the_headers_that_matter_are_replayed(path):
    headers = {"Retry-After": "7", "Set-Cookie": "a=b", "Date": "today", "X-Request-ID": "1"}
    refusal = httpx2.Response(429, headers=headers, json={"detail": "slow down"})
    async with recording(path, server=lambda: answering(refusal)) as client:
        assert (await client.get("/v1/x")).headers["X-Request-ID"] == "1"
    async with replaying(path) as client:
        response = await client.get("/v1/x")
    assert (response.status_code, response.reason_phrase) == (429, "Too Many Requests")
    assert dict(response.headers) == {"content-type": "application/json", "retry-after": "7"}
    assert response.json() == {"detail": "slow down"}


async def test_a_miss_says_which_recorded_requests_come_nearest_and_how_to_record_it(path):
    async with recording(path) as client:
        await client.get("/v1/accounts/demo/privacy")
        for value in ("all", "contacts", "none"):
            await client.put("/v1/accounts/demo/privacy/last", json={"value": value})
        await client.get("/healthz")
    async with replaying(path) as client:
        with pytest.raises(NotRecordedError) as caught:
            await client.put("/v1/accounts/demo/privacy/last", json={"value": "known"})
    error = caught.value
    assert str(path) in error.message
    assert 'PUT /v1/accounts/demo/privacy/last {"value":"known"}' in error.message
    assert len(error.nearest) == 3
    assert error.nearest[0] == (
        'PUT /v1/accounts/demo/privacy/last {"value":"all"}: value is "all" there and "known" here'
    )
    assert f'Client(url, record={str(path)!r}, record_mode="new_episodes")' in error.hint
    assert not isinstance(error, httpx2.HTTPError | OSError)
    assert pickle.loads(pickle.dumps(error)).nearest == error.nearest
    assert error._render_traceback_()[-2:] == [f"NotRecordedError: {error.message}", error.hint]


def test_a_notebook_shows_a_miss_in_a_few_lines(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    code = """
        from IPython.core.interactiveshell import InteractiveShell
        InteractiveShell.instance().run_cell('''
        from privacy_sdk.errors import NotRecordedError
        raise NotRecordedError("my.yaml holds no answer to GET /x.", nearest=["GET /y"], hint="Do.")
        ''')
    """
    shown = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert shown.stdout.splitlines()[2:] == [
        "",
        "NotRecordedError: my.yaml holds no answer to GET /x. Nearest in it:",
        "  GET /y",
        "Do.",
    ]


async def test_people_of_a_recording_are_recognised_on_the_machine_that_made_it(path):
    server = lambda: echoing(jid="203948576102938@lid")  # noqa: E731
    async with recording(path, server=server) as client:
        await client.post("/v1/contacts", json={"phones": [NUMBER]})
    assert "91234" not in path.read_text()
    async with replaying(path) as client:
        for spelling in (NUMBER, "+5511912345678", "+999900000001"):
            answer = await client.post("/v1/contacts", json={"phones": [spelling]})
            assert answer.json() == {"jid": "999900000000001@lid"}


async def test_elsewhere_a_miss_says_to_use_the_pseudonym(path, monkeypatch, tmp_path):
    async with recording(path) as client:
        await client.post("/v1/contacts", json={"phones": [NUMBER]})
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))
    async with replaying(path) as client:
        with pytest.raises(NotRecordedError) as caught:
            await client.post("/v1/contacts", json={"phones": [NUMBER]})
    told = f"{caught.value}{caught.value.hint}{caught.value.nearest}"
    assert "pseudonym" in caught.value.hint
    assert '{"phones":["+999900000001"]}' in caught.value.nearest[0]
    assert "91234" not in told
    assert "5678" not in told


async def test_a_miss_names_nobody(path):
    async with recording(path) as client:
        await client.post(f"/v1/contacts/{NUMBER}", json={"phones": [NUMBER]})
    async with replaying(path) as client:
        asked = {"phones": [OTHER, "1234567"], "push_name": "Ana", "token": "secret"}
        with pytest.raises(NotRecordedError) as caught:
            await client.post(f"/v1/x/{OTHER}?phone={OTHER}&q=Bearer+secret", json=asked)
    told = f"{caught.value}{caught.value.hint}{caught.value.nearest!r}"
    for personal in ("91234", "1234567", "Ana", "secret"):
        assert personal not in told


async def test_what_was_not_played_is_known(path):
    async with recording(path) as client:
        for name in ("a", "b", "b"):
            await client.get(f"/v1/{name}")
    transport = CassetteTransport(path)
    async with session(transport) as client:
        assert transport.unplayed() == ["GET /v1/a", "GET /v1/b", "GET /v1/b"]
        await client.get("/v1/b")
        assert transport.unplayed() == ["GET /v1/a", "GET /v1/b"]
        await client.get("/v1/b")
        await client.get("/v1/a")
        assert transport.unplayed() == []


async def test_the_account_is_known_from_the_recording(path):
    async with recording(path) as client:
        await client.get("/v1/accounts")
        await client.get("/v1/accounts/my%20phone/privacy")
    assert CassetteTransport(path).account == "my phone"
    async with recording(path.with_name("other.yaml")) as client:
        await client.get("/v1/accounts")
    assert CassetteTransport(path.with_name("other.yaml")).account is None


def test_an_unknown_record_mode_is_refused(path):
    with pytest.raises(UnknownNameError, match="is not a known record mode") as caught:
        CassetteTransport(path, record_mode="twice")
    assert "new_episodes" in caught.value.hint
    assert isinstance(caught.value, PrivacyError)


@pytest.mark.parametrize("bad", [None, 7, b"my.yaml", "", "a\0b", ["my.yaml"]], ids=repr)
@pytest.mark.parametrize("mode", ["none", "once"])
def test_what_is_no_path_is_refused(bad, mode):
    with pytest.raises(InvalidInputError, match="is not a path"):
        CassetteTransport(bad, record_mode=mode)


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_path_that_no_file_system_takes_is_refused(tmp_path, mode):
    with pytest.raises(RecordingError, match="File name too long"):
        CassetteTransport(tmp_path / ("x" * 300), record_mode=mode)


def test_a_bare_name_is_not_recorded_to():
    with pytest.raises(RecordingError, match="comes with the package") as caught:
        CassetteTransport("mine", record_mode="once")
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
        await client.get("/v1/x")
    async with replaying(path) as client:
        assert await asyncio.to_thread(ask) == b"hello"
        assert (await client.get("/v1/x")).json()["n"] == 1
        assert await asyncio.to_thread(ask) == b"hello"
    assert await asyncio.to_thread(ask) == b"hello"
    await asyncio.to_thread(server.shutdown)
    server.server_close()


def test_vcrpy_is_imported_when_a_cassette_is_loaded_and_not_before():
    code = "import sys, privacy_sdk.cassettes.transport; print('vcr' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout.strip(), answer.stderr) == ("False", "")
