"""Recording: a whole cassette at every moment, in the order of the requests, never overwritten."""

import asyncio
import errno
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import httpx2
import pytest
from recording_tools import TOKEN, answering, counting, recording, replaying, session

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.accounts.http import MAX_ANSWER
from privacy_sdk.cassettes import appender
from privacy_sdk.cassettes.check import check
from privacy_sdk.cassettes.file import HEADER, read_recording
from privacy_sdk.cassettes.recorder import Recorder
from privacy_sdk.cassettes.transport import CassetteTransport
from privacy_sdk.errors import NotRecordedError, PrivacyWarning, RecordingError
from privacy_sdk.model.types import Contact, Jid
from privacy_sdk.sync import Client
from privacy_sdk.testing import running_gateway

SUPPORT = str(Path(__file__).parents[1] / "support")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.yaml"


def forget(path):
    """What a new process knows of a recording: nothing."""
    Recorder._begun.pop(path.resolve(), None)


def answers(path):
    """What the exchanges of a cassette answered, in its order."""
    return [
        json.loads(interaction["response"]["body"]["string"])["duration"]
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
            await client.get(f"/v1/accounts/{n}")
            assert path.read_text().startswith(HEADER)
            assert answers(path) == list(range(1, n + 1))
            async with replaying(path) as again:
                assert (await again.get(f"/v1/accounts/{n}")).json()["duration"] == n
    assert [entry.name for entry in path.parent.iterdir()] == ["my.yaml"]


async def test_once_records_a_new_cassette_and_replays_one_that_exists(path):
    async with recording(path) as client:
        await client.get("/v1/accounts/x")
    content = path.read_bytes()
    forget(path)
    async with recording(path) as client:
        assert (await client.get("/v1/accounts/x")).json()["duration"] == 1
        with pytest.raises(NotRecordedError):
            await client.get("/v1/accounts/y")
    assert path.read_bytes() == content


async def test_a_cassette_that_exists_is_refused_with_the_ways_on(path):
    async with recording(path, None) as client:
        await client.get("/v1/accounts/x")
    forget(path)
    content = path.read_bytes()
    with pytest.raises(RecordingError, match="exists") as caught:
        recording(path, None)
    for way in ("Client.replay(", '"once"', '"all"'):
        assert way in caught.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [None, "once", "all"])
async def test_a_recording_that_began_in_this_process_goes_on(path, mode):
    """As when cells are run again, or a script closes a client and makes another."""
    for name in "xyz":
        async with recording(path, mode) as client:
            await client.get(f"/v1/accounts/{name}")
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["x", "y", "z"]


async def test_what_somebody_else_made_of_it_meanwhile_does_not_go_on(path):
    async with recording(path, None) as client:
        await client.get("/v1/accounts/x")
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RecordingError, match="exists"):
        recording(path, None)


async def test_all_records_anew_when_the_first_answer_comes(path):
    async with recording(path) as client:
        for name in ("x", "y", "x"):
            await client.get(f"/v1/accounts/{name}")
    forget(path)
    old = path.read_bytes()
    async with recording(path, "all") as client:
        assert path.read_bytes() == old
        assert (await client.get("/v1/accounts/x")).json()["duration"] == 1
        assert answers(path) == [1]
        await client.get("/v1/accounts/z")
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["x", "z"]


def test_one_session_recorded_twice_is_the_same_to_the_byte(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764115200")

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


def test_a_client_whose_recording_exists_says_that_it_replays_it(path, monkeypatch):
    with running_gateway({"demo": EmulatedAccount()}) as url, Client(url, record=path) as client:
        recorded = client.fetch_privacy_settings()
        client.set_privacy_setting("last", "none")
    forget(path)
    monkeypatch.setenv("PRIVACY_SDK_ACCOUNT", "another")
    with Client(url, record=path, record_mode="once") as client:
        assert repr(client) == "Client.replay('my.yaml')"
        fetched = client.fetch_privacy_settings()
        assert fetched.equals(recorded)
        assert fetched.attrs["recording"] == str(path)
        at, answered = (
            datetime.fromisoformat(frame.attrs["fetched_at"]) for frame in (recorded, fetched)
        )
        assert timedelta() <= at - answered <= timedelta(seconds=30)
        with pytest.warns(PrivacyWarning, match="was answered from it, and nothing was sent"):
            client.set_privacy_setting("last", "none")
        with pytest.raises(NotRecordedError):
            client.set_privacy_setting("last", "contacts")


def test_a_recording_without_dates_does_not_say_when_it_was_fetched(path):
    with Client.emulated(record=path) as client:
        client.fetch_privacy_settings()
    path.write_text(re.sub(r" +date:\n +- .*\n", "", path.read_text()))
    assert "fetched_at" not in Client.replay(path).fetch_privacy_settings().attrs


def test_the_variable_that_builds_are_reproduced_by_is_the_time(path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764115200")
    with Client.emulated(record=path) as client:
        client.set_privacy_setting("last", "none")
        client.fetch_privacy_settings()
    assert re.findall(r"date:\n +- (.*)", path.read_text()) == ["Wed, 26 Nov 2025 00:00:00 GMT"]
    client = Client.replay(path)
    client.set_privacy_setting("last", "none")
    settings = client.fetch_privacy_settings()
    assert settings.attrs["fetched_at"] == "2025-11-26T00:00:00+00:00"


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
    assert [json.loads(r["body"])["value"] for r in changes if r["method"] == "PUT"] == [
        "contacts",
        "none",
    ]


def test_a_client_that_asked_nothing_leaves_nothing_behind(path):
    with Client("http://127.0.0.1:9", record=path):
        assert Recorder.begun(path) is not None
    assert Recorder.begun(path) is None
    assert list(path.parent.iterdir()) == []


async def test_an_answer_that_comes_after_the_client_was_closed_is_not_recorded(path):
    server = Overtaking()
    client = session(CassetteTransport(path, records=True, inner=httpx2.MockTransport(server)))
    answer = asyncio.create_task(client.get("/v1/accounts/a"))
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
        return httpx2.Response(200, json={"duration": await self.waiting[name]})


async def test_exchanges_stand_in_the_order_of_requests_when_answers_overtake_each_other(path):
    server = Overtaking()
    transport = CassetteTransport(path, records=True, inner=httpx2.MockTransport(server))
    async with session(transport) as client:
        tasks = {}
        for name in "abcd":
            tasks[name] = asyncio.create_task(client.get(f"/v1/accounts/{name}"))
            assert await server.arrived.get() == name
        for name, there in (("c", "c"), ("b", "bc"), ("d", "bcd"), ("a", "abcd")):
            server.waiting[name].set_result("abcd".index(name))
            await tasks[name]
            assert answers(path) == ["abcd".index(letter) for letter in there]
    sequential = path.with_name("sequential.yaml")
    ns = iter(range(4))
    one_by_one = httpx2.MockTransport(
        lambda request: httpx2.Response(200, json={"duration": next(ns)})
    )
    async with session(CassetteTransport(sequential, records=True, inner=one_by_one)) as client:
        for name in "abcd":
            await client.get(f"/v1/accounts/{name}")
    assert path.read_bytes() == sequential.read_bytes()


async def test_a_request_that_got_no_answer_is_not_in_the_file(path):
    server = Overtaking()
    transport = CassetteTransport(path, records=True, inner=httpx2.MockTransport(server))
    async with session(transport) as client:
        lost = asyncio.create_task(client.get("/v1/accounts/a"))
        answered = asyncio.create_task(client.get("/v1/accounts/b"))
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
    await first.get("/v1/accounts/x")
    second = recording(path)
    await second.get("/v1/accounts/x")
    await first.get("/v1/accounts/y")
    assert [i["request"]["uri"][-1] for i in read_recording(path).interactions] == ["x", "x", "y"]
    await first.aclose()
    await second.get("/v1/accounts/z")
    await second.aclose()
    assert len(answers(path)) == 4


async def test_deleting_the_file_while_it_is_recorded_begins_anew(path):
    async with recording(path) as client:
        for _ in range(3):
            await client.get("/v1/accounts/x")
        path.unlink()
        await client.get("/v1/accounts/x")
        assert answers(path) == [4]


async def test_a_file_that_somebody_else_changes_meanwhile_is_left_to_him(path):
    async with recording(path) as client:
        await client.get("/v1/accounts/x")
        path.write_text("mine now\n")
        with pytest.raises(RecordingError, match="changed by somebody else"):
            await client.get("/v1/accounts/x")
    assert path.read_text() == "mine now\n"


JOIN = """
    import sys
    from privacy_sdk.errors import RecordingError
    from privacy_sdk.cassettes.transport import CassetteTransport
    try:
        CassetteTransport(sys.argv[1], records=True, record_mode=eval(sys.argv[2]))
    except RecordingError as error:
        print(error)
    else:
        print("joined")
"""


@pytest.mark.parametrize("mode", [None, "once", "all"])
async def test_another_process_is_refused_until_the_recording_is_closed(path, mode):
    async with recording(path) as client:
        for _ in range(2):
            told, _ = await asyncio.to_thread(run, JOIN, path, repr(mode))
            assert f"Another process is recording to {path}: process {os.getpid()} (" in told
            await client.get("/v1/accounts/x")
    told, complaints = await asyncio.to_thread(run, JOIN, path, repr(mode))
    assert ("exists" in told) if mode is None else (told == "joined\n"), complaints


def test_a_child_that_inherits_the_variable_is_refused_and_replays_nothing(path):
    code = """
        import subprocess, sys
        import privacy_sdk as ps
        from privacy_sdk.gateway.server import running_gateway
        CHILD = "import privacy_sdk as ps; ps.Client().fetch_privacy_settings()"
        with running_gateway({"demo": ps.EmulatedAccount()}) as url:
            with ps.Client(url) as client:
                client.fetch_privacy_settings()
            child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
            print(child.returncode, child.stderr)
    """
    told, complaints = run(code, environment={"PRIVACY_SDK_RECORD": str(path)})
    assert complaints == ""
    assert told.startswith("1 ")
    assert "Another process is recording to" in told
    assert "start it without" in told


def test_a_forked_child_does_not_write_to_its_parents_recording(path):
    code = """
        import os, sys
        from pathlib import Path
        from privacy_sdk.errors import RecordingError
        from privacy_sdk.cassettes.recorder import Recorder
        recorder = Recorder.join(Path(sys.argv[1]))
        if os.fork() == 0:
            try:
                recorder.turn("http://h", is_change=False)
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
        return httpx2.Response(200, json={"duration": 1})

    async with recording(path, server=lambda: httpx2.MockTransport(answer)) as client:
        await client.get("/v1/accounts/x")
    assert asked == ["identity"]


@pytest.mark.parametrize(
    "bad",
    [
        httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"x")),
        httpx2.Response(200, content=b"\xff\xfe"),
        httpx2.Response(502, content=b"<html>call +55 11 91234-5678"),
    ],
    ids=["compressed", "not UTF-8", "not JSON"],
)
async def test_a_body_that_is_not_of_the_interface_is_left_out_and_said_to_be(path, bad):
    good = [httpx2.Response(200, json={"duration": n}) for n in (1, 2)]
    async with recording(path, server=lambda: answering(good[0], bad, good[1])) as client:
        await client.get("/v1/accounts/x")
        with pytest.warns(PrivacyWarning, match="left out"):
            await client.put("/v1/accounts/x/disappearing-mode", json={"duration": 0})
        await client.get("/v1/accounts/x")
    bodies = [i["response"]["body"]["string"] for i in read_recording(path).interactions]
    assert bodies[1] == b"(not of the interface, and not recorded)"
    assert json.loads(bodies[2]) == {"duration": 2}


async def test_an_answer_that_is_too_long_is_refused_and_nothing_is_lost(path):
    long = httpx2.Response(200, content=b"x" * (MAX_ANSWER + 1))
    good = httpx2.Response(200, json={"duration": 1})
    async with recording(path, server=lambda: answering(long, good)) as client:
        with pytest.raises(RecordingError, match="more than 32 MiB"):
            await client.get("/v1/accounts/x")
        await client.get("/v1/accounts/x")
    assert answers(path) == [1]


async def test_another_interfaces_requests_are_not_recorded(path):
    async with recording(path) as client:
        with pytest.warns(PrivacyWarning, match="not of the interface"):
            await client.get("/v1/something/5511912345678")
        await client.get("/v1/accounts/demo/events")
    assert not path.exists()


async def test_a_second_gateway_is_refused_before_anything_is_sent(path):
    async with recording(path, None) as client:
        await client.get("/v1/accounts/x")
        sent = counting()
        other = session(CassetteTransport(path, records=True, inner=sent), port=10)
        with pytest.raises(RecordingError, match=r"records the gateway http://127\.0\.0\.1:9"):
            await other.get("/v1/accounts/x")
        await other.aclose()
    assert answers(path) == [1]


@pytest.mark.parametrize("place", ["file/my.yaml", "folder", "/proc/nowhere/my.yaml"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordingError, match="cannot be written"):
        recording(tmp_path / place, "all")


def test_what_does_not_fit_on_the_disk_is_taken_back(path):
    """A real short write: the kernel stops at the limit in the middle of an exchange."""
    code = """
        import asyncio, resource, sys
        from pathlib import Path
        from privacy_sdk.errors import RecordingError
        from recording_tools import recording

        async def main(path):
            async with recording(path) as client:
                await client.get("/v1/accounts/x")
                size = path.stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
                for _ in range(2):
                    try:
                        await client.get("/v1/accounts/x")
                    except RecordingError as error:
                        print(error.message)
                    assert path.stat().st_size == size
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                await client.get("/v1/accounts/x")

        asyncio.run(main(Path(sys.argv[1])))
    """
    told, complaints = run(code, path)
    assert complaints == ""
    assert told.count("cannot be written: File too large") == 2
    assert answers(path) == [1, 4]


@pytest.mark.parametrize("mode", [None, "once"])
async def test_a_disk_that_is_full_from_the_start_leaves_no_file(path, mode, monkeypatch):
    monkeypatch.setattr(
        os, "link", lambda *names: os.write(os.open("/dev/full", os.O_WRONLY), b"x")
    )
    async with recording(path, mode) as client:
        with pytest.raises(RecordingError, match="No space left"):
            await client.get("/v1/accounts/x")
    assert list(path.parent.iterdir()) == []


async def test_a_file_system_without_links_will_do(path, monkeypatch):
    def refuse(*names):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    async with recording(path) as client:
        await client.get("/v1/accounts/x")
        await client.get("/v1/accounts/x")
    assert answers(path) == [1, 2]
    assert list(path.parent.iterdir()) == [path]


async def test_closing_on_a_full_disk_raises_nothing_over_the_users_own_error(path, monkeypatch):
    server = Overtaking()
    transport = CassetteTransport(path, records=True, inner=httpx2.MockTransport(server))
    with pytest.raises(KeyError, match="mine"):  # noqa: PT012
        async with session(transport) as client:
            tasks = [asyncio.create_task(client.get(f"/v1/accounts/{name}")) for name in "ab"]
            assert [await server.arrived.get() for _ in "ab"] == ["a", "b"]
            for name in "ba":  # so that there is something to tidy up
                server.waiting[name].set_result(1)
                await tasks["ab".index(name)]
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            monkeypatch.setattr(appender, "write_atomic", Mock(side_effect=full))
            raise KeyError("mine")
    assert appender.write_atomic.called
    assert answers(path) == [1, 1]


async def test_a_last_exchange_that_was_torn_is_left_out_and_the_rest_plays(path):
    async with recording(path) as client:
        for name in "xy":
            await client.get(f"/v1/accounts/{name}")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.warns(PrivacyWarning, match="last exchange was torn and is left out"):
        client = replaying(path)
    async with client:
        assert (await client.get("/v1/accounts/x")).json()["duration"] == 1
        with pytest.raises(NotRecordedError):
            await client.get("/v1/accounts/y")


KILLED = """
    import asyncio, sys
    from pathlib import Path
    from recording_tools import recording

    async def main():
        client = recording(Path(sys.argv[1]))
        for n in range(100):
            await client.get(f"/v1/accounts/{n}?phone=%2B5511912345678")
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
                answer = await client.get(f"/v1/accounts/{n}?phone=%2B5511912345678")
                assert answer.json()["duration"] == n + 1

    asyncio.run(replay())


def test_a_script_with_real_numbers_replays_on_another_machine(path, monkeypatch, tmp_path):
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
    assert [finding for finding in check(path) if finding.is_wrong] == []
    monkeypatch.setenv("HOME", str(tmp_path / "another machine"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "another machine"))
    with Client.replay(path) as client:
        assert session(client, *real) == recorded
    with Client.replay(path) as client:
        assert session(client, "+999900000001", "+999900000002") == [
            "999900000001@s.whatsapp.net",
            "999900000002@s.whatsapp.net",
        ]
    with Client.replay(path) as client, pytest.raises(NotRecordedError) as caught:
        session(client, "+44 7911 123456", *real)
    assert "for another person" in caught.value.message


async def test_pseudonyms_go_on_where_the_recording_left_off(path):
    for numbers in (["5511912345678"], ["4915112345678", "5511912345678"]):
        async with recording(path) as client:
            await client.post("/v1/accounts/x/contacts", json={"phones": numbers})
    assert '"phones": ["999900000002", "999900000001"]' in path.read_text()


async def test_a_fictional_number_is_never_given_to_a_real_person(path):
    async with recording(path) as client:
        for number in ("+999900000001", "+5511912345678"):
            await client.post("/v1/accounts/x/contacts", json={"phones": [number]})
    assert '"phones": ["+999900000002"]' in path.read_text()


@pytest.mark.slow
async def test_a_recording_of_ten_thousand_exchanges_opens_plays_misses_and_goes_on(path):
    async with recording(path) as client:
        for n in range(10_000):
            await client.get(f"/v1/accounts/{n}")
    async with replaying(path) as client:
        for n in (9_999, 0, 5_000):
            assert (await client.get(f"/v1/accounts/{n}")).json()["duration"] == n + 1
        with pytest.raises(NotRecordedError):
            await client.get("/v1/accounts/10000")
    assert len(answers(path)) == 10_000
    assert not any(finding.is_wrong for finding in check(path))


async def test_a_token_that_an_answer_repeats_is_not_recorded(path):
    document = {"type": "urn:privacy-sdk:invalid-request", "detail": f"You sent {TOKEN}."}
    answer = httpx2.Response(
        401, json=document, headers={"Content-Type": "application/problem+json"}
    )
    async with recording(path, server=lambda: answering(answer)) as client:
        assert TOKEN in (await client.get("/v1/accounts/demo/privacy")).text
    written = path.read_text()
    assert "You sent" in written
    assert TOKEN not in written
