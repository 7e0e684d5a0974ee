"""Recording: a whole cassette at every moment, in the order of the requests, never overwritten."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx2
import pytest
import vcr
from recording_tools import TOKEN, answering, recording, replaying, session

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.cassettes.check import check
from privacy_sdk.cassettes.file import HEADER, read_recording
from privacy_sdk.cassettes.recorder import Recorder
from privacy_sdk.cassettes.transport import MAX_BODY, CassetteTransport
from privacy_sdk.errors import NotRecordedError, RecordingError
from privacy_sdk.model.types import Contact, Jid
from privacy_sdk.sync import Client
from privacy_sdk.testing import running_gateway

SUPPORT = str(Path(__file__).parents[1] / "support")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


def answers(path):
    """What the exchanges of a cassette answered, in its order."""
    return [
        json.loads(interaction["response"]["body"]["string"])["n"]
        for interaction in read_recording(path).interactions
    ]


def start(code, *arguments, environment=None):
    """Start a script as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": SUPPORT} | (environment or {}),
    )


def run(code, *arguments, **options):
    """What a script prints and complains of."""
    with start(code, *arguments, **options) as process:
        return process.communicate(timeout=60)


async def test_the_file_is_a_whole_cassette_after_every_exchange_and_not_there_before(path):
    async with recording(path) as client:
        assert not path.exists()
        for n in range(1, 6):
            await client.get(f"/v1/{n}")
            assert path.read_text().startswith(HEADER)
            assert answers(path) == list(range(1, n + 1))
            async with replaying(path) as again:
                assert (await again.get(f"/v1/{n}")).json()["n"] == n
    assert [entry.name for entry in path.parent.iterdir()] == ["my.yaml"]


async def test_once_records_a_new_cassette_and_replays_one_that_exists(path):
    async with recording(path) as client:
        await client.get("/v1/x")
    content = path.read_bytes()
    async with recording(path) as client:
        assert (await client.get("/v1/x")).json()["n"] == 1
        with pytest.raises(NotRecordedError):
            await client.get("/v1/y")
    assert path.read_bytes() == content


async def test_new_episodes_replays_what_is_there_and_records_the_rest(path):
    async with recording(path, "new_episodes") as client:
        await client.get("/v1/x")
    async with recording(path, "new_episodes") as client:
        assert (await client.get("/v1/x")).json()["n"] == 1
        assert (await client.get("/v1/y")).json()["n"] == 1
        assert (await client.get("/v1/x")).json()["n"] == 2
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["x", "y", "x"]


async def test_all_records_anew_in_the_place_of_what_was_there(path):
    async with recording(path) as client:
        for name in ("x", "y", "x"):
            await client.get(f"/v1/{name}")
    async with recording(path, "all") as client:
        assert (await client.get("/v1/x")).json()["n"] == 1
        assert answers(path) == [2, 1]
        await client.get("/v1/x")
        assert answers(path) == [2, 1, 2]
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["y", "x", "x"]
    assert "\n\n" not in path.read_text()


async def test_none_records_nothing(path):
    with pytest.raises(RecordingError, match="There is no file"):
        recording(path, "none")
    assert list(path.parent.iterdir()) == []


def test_one_session_recorded_twice_is_the_same_to_the_byte(tmp_path):
    def record(path):
        with (
            running_gateway({"demo": EmulatedAccount()}, token=TOKEN) as url,
            Client(url, token=TOKEN, record=path) as client,
        ):
            client.fetch_privacy_settings()
            client.set_privacy_setting("last", "contacts")
            client.set_default_disappearing_mode(604_800)
        return path.read_bytes()

    first = record(tmp_path / "first.yaml")
    assert first == record(tmp_path / "second.yaml")
    assert TOKEN.encode() not in first
    assert b"http://127.0.0.1:8480/v1/accounts/demo/privacy/last" in first


def test_a_client_whose_recording_exists_replays_it_and_needs_no_gateway(path, monkeypatch):
    with running_gateway({"demo": EmulatedAccount()}) as url, Client(url, record=path) as client:
        recorded = client.fetch_privacy_settings()
    monkeypatch.setenv("PRIVACY_SDK_ACCOUNT", "another")
    with Client(url, record=path) as client:
        assert client.fetch_privacy_settings().equals(recorded)
        with pytest.raises(NotRecordedError):
            client.set_privacy_setting("last", "none")


def test_with_the_variable_all_clients_of_a_process_record_into_one_file(path):
    """As of a script that opens and closes several clients."""
    code = """
        from privacy_sdk.accounts.emulated.account import EmulatedAccount
        from privacy_sdk.testing import running_gateway
        from privacy_sdk.sync import Client

        with running_gateway({"demo": EmulatedAccount()}) as url:
            for value in ("contacts", "none"):
                with Client(url, account="demo") as client:
                    client.set_privacy_setting("last", value)
                    print(client.fetch_privacy_settings().loc["last", "value"])
    """
    told, complaints = run(code, environment={"PRIVACY_SDK_RECORD": str(path)})
    assert (told.split(), complaints) == (["contacts", "none"], "")
    changes = [i["request"] for i in read_recording(path).interactions]
    assert [r["body"] for r in changes if r["method"] == "PUT"] == [
        b'{"value":"contacts"}',
        b'{"value":"none"}',
    ]


def test_a_client_that_asked_nothing_leaves_nothing_behind(path):
    with Client("http://127.0.0.1:9", record=path):
        assert Recorder.at(path) is not None
    assert Recorder.at(path) is None
    assert list(path.parent.iterdir()) == []


async def test_an_answer_that_comes_after_the_client_was_closed_is_not_recorded(path):
    server = Overtaking()
    client = session(
        CassetteTransport(path, record_mode="once", inner=httpx2.MockTransport(server))
    )
    answer = asyncio.create_task(client.get("/v1/a"))
    await server.arrived.get()
    await client.aclose()
    server.waiting["a"].set_result(1)
    with pytest.raises(RecordingError, match="closed before the answer came"):
        await answer
    assert not path.exists()


class Overtaking:
    """A server whose answers come when they are let go."""

    def __init__(self):
        self.waiting = {}
        self.arrived = asyncio.Queue()

    async def __call__(self, request):
        name = request.url.path[-1]
        self.waiting[name] = asyncio.get_running_loop().create_future()
        self.arrived.put_nowait(name)
        return httpx2.Response(200, json={"n": await self.waiting[name]})


async def test_exchanges_stand_in_the_order_of_requests_when_answers_overtake_each_other(path):
    server = Overtaking()
    transport = CassetteTransport(path, record_mode="once", inner=httpx2.MockTransport(server))
    async with session(transport) as client:
        tasks = {}
        for name in "abcd":
            tasks[name] = asyncio.create_task(client.get(f"/v1/{name}"))
            assert await server.arrived.get() == name
        for name, there in (("c", "c"), ("b", "bc"), ("d", "bcd"), ("a", "abcd")):
            server.waiting[name].set_result("abcd".index(name))
            await tasks[name]
            assert answers(path) == ["abcd".index(letter) for letter in there]
    sequential = path.with_name("sequential.yaml")
    ns = iter(range(4))
    one_by_one = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"n": next(ns)}))
    async with session(
        CassetteTransport(sequential, record_mode="once", inner=one_by_one)
    ) as client:
        for name in "abcd":
            await client.get(f"/v1/{name}")
    assert path.read_bytes() == sequential.read_bytes()


async def test_a_request_that_got_no_answer_is_not_in_the_file(path):
    server = Overtaking()
    transport = CassetteTransport(path, record_mode="once", inner=httpx2.MockTransport(server))
    async with session(transport) as client:
        lost = asyncio.create_task(client.get("/v1/a"))
        answered = asyncio.create_task(client.get("/v1/b"))
        assert [await server.arrived.get() for _ in "ab"] == ["a", "b"]
        server.waiting["a"].set_exception(httpx2.ReadError("gone"))
        server.waiting["b"].set_result(1)
        with pytest.raises(httpx2.ReadError):
            await lost
        await answered
    assert answers(path) == [1]


async def test_clients_of_one_process_share_the_writer(path):
    """As when a cell that makes a client is run again, and the first client is still open."""
    first = recording(path)
    await first.get("/v1/x")
    second = recording(path)
    await second.get("/v1/x")
    await first.get("/v1/y")
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["x", "x", "y"]
    await first.aclose()
    await second.get("/v1/z")
    await second.aclose()
    assert Recorder.at(path) is None
    third = recording(path)
    with pytest.raises(NotRecordedError):
        await third.get("/v1/new")
    await third.aclose()
    assert len(answers(path)) == 4


async def test_deleting_the_file_while_it_is_recorded_begins_anew(path):
    async with recording(path) as client:
        for _ in range(3):
            await client.get("/v1/x")
        path.unlink()
        await client.get("/v1/x")
        assert answers(path) == [4]


async def test_a_file_that_somebody_else_changes_meanwhile_is_left_to_him(path):
    async with recording(path) as client:
        await client.get("/v1/x")
        path.write_text("mine now\n")
        with pytest.raises(RecordingError, match="changed by somebody else"):
            await client.get("/v1/x")
    assert path.read_text() == "mine now\n"


JOIN = """
    import sys
    from pathlib import Path
    from privacy_sdk.errors import RecordingError
    from privacy_sdk.cassettes.recorder import Recorder
    try:
        Recorder.join(Path(sys.argv[1]))
    except RecordingError as error:
        print(error)
    else:
        print("joined")
"""


async def test_another_process_is_refused_until_the_recording_is_closed(path):
    async with recording(path) as client:
        await client.get("/v1/x")
        assert "Another process is recording" in (await asyncio.to_thread(run, JOIN, path))[0]
    assert await asyncio.to_thread(run, JOIN, path) == ("joined\n", "")


def test_a_forked_child_does_not_write_to_its_parents_recording(path):
    code = """
        import os, sys
        from pathlib import Path
        from privacy_sdk.errors import RecordingError
        from privacy_sdk.cassettes.recorder import Recorder
        recorder = Recorder.join(Path(sys.argv[1]))
        if os.fork() == 0:
            try:
                recorder.record(recorder.turn(), {})
            except RecordingError as error:
                print(error, flush=True)
            os._exit(0)
        os.wait()
    """
    assert "forked" in run(code, path)[0]
    assert not path.exists()


async def test_compressed_answers_are_not_asked_for(path):
    asked = []

    def answer(request):
        asked.append(request.headers["Accept-Encoding"])
        return httpx2.Response(200, json={"n": 1})

    async with recording(path, server=lambda: httpx2.MockTransport(answer)) as client:
        await client.get("/v1/x")
    assert asked == ["identity"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (
            httpx2.Response(
                200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"")
            ),
            "gzip",
        ),
        (httpx2.Response(200, content=b"\xff\xfe"), "not UTF-8"),
        (httpx2.Response(200, content=b"x" * (MAX_BODY + 1)), "more than 16 MiB"),
    ],
    ids=["compressed", "not UTF-8", "too long"],
)
async def test_an_answer_that_cannot_be_searched_is_refused_and_nothing_is_lost(path, bad, says):
    good = [httpx2.Response(200, json={"n": n}) for n in (1, 2)]
    async with recording(path, server=lambda: answering(good[0], bad, good[1])) as client:
        await client.get("/v1/x")
        with pytest.raises(RecordingError, match=says):
            await client.put("/v1/x", json={})
        await client.get("/v1/x")
    assert answers(path) == [1, 2]


@pytest.mark.parametrize("place", ["file/my.yaml", "folder", "/proc/nowhere/my.yaml"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordingError, match="cannot be written"):
        recording(tmp_path / place, "new_episodes")


def test_what_does_not_fit_on_the_disk_is_taken_back(path):
    """A real short write: the kernel stops at the limit in the middle of an exchange."""
    code = """
        import asyncio, resource, sys
        from pathlib import Path
        from privacy_sdk.errors import RecordingError
        from recording_tools import recording

        async def main(path):
            async with recording(path) as client:
                await client.get("/v1/x")
                size = path.stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
                for _ in range(2):
                    try:
                        await client.get("/v1/x")
                    except RecordingError as error:
                        print(error.message)
                    assert path.stat().st_size == size
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                await client.get("/v1/x")

        asyncio.run(main(Path(sys.argv[1])))
    """
    told, complaints = run(code, path)
    assert complaints == ""
    assert told.count("cannot be written: File too large") == 2
    assert answers(path) == [1, 4]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
async def test_a_disk_that_is_full_from_the_start_leaves_no_file(path, mode, monkeypatch):
    monkeypatch.setattr(
        os, "link", lambda *names: os.write(os.open("/dev/full", os.O_WRONLY), b"x")
    )
    async with recording(path, mode) as client:
        with pytest.raises(RecordingError, match="No space left"):
            await client.get("/v1/x")
    assert list(path.parent.iterdir()) == []


async def test_a_file_system_without_links_will_do(path, monkeypatch):
    def refuse(*names):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    async with recording(path) as client:
        await client.get("/v1/x")
        await client.get("/v1/x")
    assert answers(path) == [1, 2]
    assert list(path.parent.iterdir()) == [path]


async def plain_vcrpy(path):
    """A cassette that plain vcrpy wrote, with all that it writes."""
    with vcr.use_cassette(str(path), record_mode="once") as cassette:
        cassette.append(
            vcr.request.Request(
                "GET",
                "https://example.org/v1/x",
                b"",
                {"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/plain"},
            ),
            {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Set-Cookie": ["a=b"], "Content-Type": ["application/json"]},
                "body": {"string": b'{"n":1,"phone":"5511912345678"}'},
            },
        )


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
async def test_a_cassette_of_plain_vcrpy_is_continued_without_its_people_and_secrets(path, mode):
    await plain_vcrpy(path)
    untouched = path.read_bytes()
    async with recording(path, mode) as client:
        if mode == "new_episodes":
            assert (await client.get("/v1/x")).json()["n"] == 1
        assert path.read_bytes() == untouched
        await client.get("/v1/y")
    text = path.read_text()
    assert text.startswith(HEADER)
    assert answers(path) == [1, 1]
    assert "999900000001" in text
    for personal in (TOKEN, "a=b", "5511912345678", "Authorization", "Set-Cookie"):
        assert personal not in text


async def test_a_truncated_cassette_is_refused_and_left_as_it_is(path):
    async with recording(path) as client:
        for _ in range(2):
            await client.get("/v1/x")
    path.write_bytes(path.read_bytes()[:-40])
    cut = path.read_bytes()
    for mode in ("once", "new_episodes", "all"):
        with pytest.raises(
            RecordingError, match=r"my\.yaml, line 17: The last exchange is not whole"
        ):
            recording(path, mode)
    assert path.read_bytes() == cut


KILLED = """
    import asyncio, sys
    from pathlib import Path
    from recording_tools import recording

    async def main():
        client = recording(Path(sys.argv[1]))
        for n in range(100):
            await client.get(f"/v1/{n}?phone=%2B5511912345678")
            print(n, flush=True)
        input()

    asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 37, 99])
def test_a_killed_recording_holds_all_that_was_answered_and_replays(path, after):
    with start(KILLED, path) as process:
        for _ in range(after):
            process.stdout.readline()
        process.kill()
        answered = after + len(process.stdout.readlines())
    assert process.returncode == -signal.SIGKILL
    assert len(answers(path)) >= answered

    async def replay():
        async with replaying(path) as client:
            for n in range(answered):
                answer = await client.get(f"/v1/{n}?phone=%2B5511912345678")
                assert answer.json()["n"] == n + 1
        async with recording(path, "new_episodes") as client:
            await client.get("/v1/more")

    asyncio.run(replay())


def test_people_are_recognised_where_they_were_recorded_and_elsewhere_by_pseudonym(
    path, monkeypatch, tmp_path
):
    ana = Contact("5511912345678", Jid("203948576102938", Jid.LID), Jid.phone("5511912345678"))
    bob = Contact("4915112345678", Jid("203948576102939", Jid.LID), Jid.phone("4915112345678"))

    def session(client, *numbers):
        for number in numbers:
            client.exclude("profile", [number])
        client.exclude("status", list(reversed(numbers)))
        return [str(user.pn_jid) for user in client.fetch_disallowed_list("profile")]

    real = ("+49 1511 2345678", "+55 11 91234-5678")
    account = EmulatedAccount(contacts=[ana, bob])
    with running_gateway({"demo": account}) as url, Client(url, record=path) as client:
        recorded = session(client, *real)
    assert check(path) == []
    with Client.replay(path) as client:
        assert session(client, *real) == recorded
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))
    with Client.replay(path) as client:
        assert session(client, "+999900000001", "+999900000002") == [
            "999900000001@s.whatsapp.net",
            "999900000002@s.whatsapp.net",
        ]
    with Client.replay(path) as client, pytest.raises(NotRecordedError) as caught:
        session(client, *real)
    assert "pseudonym" in caught.value.hint


async def test_pseudonyms_go_on_where_the_recording_left_off(path):
    async with recording(path) as client:
        await client.post("/v1/x", json={"phones": ["+5511912345678"]})
    async with recording(path, "new_episodes") as client:
        await client.post("/v1/x", json={"phones": ["+4915112345678", "+5511912345678"]})
    assert '{"phones":["+999900000002","+999900000001"]}' in path.read_text()


async def test_a_fictional_number_is_never_given_to_a_real_person(path):
    async with recording(path) as client:
        await client.post("/v1/x", json={"phones": ["+999900000001"]})
    async with recording(path, "new_episodes") as client:
        await client.post("/v1/x", json={"phones": ["+5511912345678"]})
    assert '{"phones":["+999900000002"]}' in path.read_text()


@pytest.mark.slow
async def test_a_recording_of_ten_thousand_exchanges_opens_plays_misses_and_goes_on(path):
    async with recording(path) as client:
        for n in range(10_000):
            await client.get(f"/v1/{n}")
    async with replaying(path) as client:
        for n in (9_999, 0, 5_000):
            assert (await client.get(f"/v1/{n}")).json()["n"] == n + 1
        with pytest.raises(NotRecordedError):
            await client.get("/v1/10000")
    async with recording(path, "new_episodes") as client:
        await client.get("/v1/10000")
    assert len(answers(path)) == 10_001
    assert check(path) == []
