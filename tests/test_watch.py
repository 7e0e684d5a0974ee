"""Changes as they are made or noticed, here and over HTTP: none lost, twice, or too early."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from queue import Empty, Queue
from typing import Any

import httpx2
import pytest
from asking import TOKEN, GatewayProcess, connected, free_port, read_all
from postgresql import postgresql

import privacy_sdk as ps
from privacy_sdk.accounts.http import MAX_ANSWER
from privacy_sdk.accounts.journal import MemoryJournal, entry_to_json
from privacy_sdk.accounts.recorded import RecordedAccount, Recorder
from privacy_sdk.errors import TooManyWatchersError
from privacy_sdk.gateway import create_app
from privacy_sdk.gateway.journal import NoJournal
from privacy_sdk.gateway.limits import MOST_WATCHERS
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.testing import NextAnswer, PhoneLists, PhoneSets, running_gateway

EVENTS = "/v1/accounts/demo/events"
PATIENCE = 30.0


@pytest.fixture(params=["here", "gateway"])
async def client(request) -> AsyncIterator[ps.AsyncClient]:
    account = ps.EmulatedAccount("demo")
    if request.param == "here":
        yield ps.AsyncClient.from_account(account)
    else:
        with running_gateway({"demo": account}) as url:
            async with ps.AsyncClient(url, name="tests") as client:
                yield client


@asynccontextmanager
async def watching(
    client: ps.AsyncClient, after: int | None = None
) -> AsyncIterator[Callable[[], Any]]:
    """Watches from now on; yields what waits for the next change."""
    async with aclosing(client.account.watch(after=after)) as changes:
        place, nothing = await anext(changes)
        assert nothing is None

        async def following() -> HistoryEntry:
            async with asyncio.timeout(PATIENCE):
                while True:
                    _, entry = await anext(changes)
                    if entry is not None:
                        return entry

        following.place = place
        yield following


def seen(entry: HistoryEntry) -> tuple[str | None, str | None, str]:
    return entry.before, entry.after, entry.outcome


async def test_a_change_is_told_as_it_is_made_or_noticed(client):
    async with watching(client) as following:
        await client.set_privacy_setting("last", "none")
        assert seen(await following()) == ("all", "none", "applied")
        await client.set_default_disappearing_mode(60)
        assert seen(await following()) == ("0", "60", "applied")
        await client.account.emulate(PhoneSets("online", "match_last_seen"))
        assert seen(await following()) == ("all", "match_last_seen", "noticed")


async def test_people_of_a_list_are_told(client):
    await client.exclude("last", "+999 11 555 0101")
    await client.excluded("last")
    async with watching(client) as following:
        person = ps.DisallowedListUserEntry("999000000000002@lid")
        await client.account.emulate(PhoneLists("last", [person]))
        entry = await following()
        assert (entry.change, entry.before, entry.after) == ("exceptions", "1", "2")


async def test_a_change_that_did_not_take_is_told_once_and_as_refused(client):
    await client.account.emulate(NextAnswer("not_applied", category="last"))
    async with watching(client) as following:
        with pytest.raises(ps.NotAppliedError):
            await client.set_privacy_setting("last", "none")
        await client.set_privacy_setting("last", "contacts")
        assert seen(await following()) == ("all", "none", "refused")
        assert seen(await following()) == ("all", "contacts", "applied")


async def test_what_is_under_way_is_not_told_yet():
    account = ps.EmulatedAccount()
    asked, answered = asyncio.Event(), asyncio.Event()

    class Slow(ps.EmulatedAccount):
        async def set_default_disappearing_mode(self, duration: int) -> None:
            asked.set()
            await answered.wait()
            await account.set_default_disappearing_mode(duration)

    recorded = RecordedAccount(Slow(), Recorder("demo", MemoryJournal()))
    async with aclosing(recorded.watch()) as changes:
        assert await anext(changes) == (0, None)
        making = asyncio.create_task(recorded.set_default_disappearing_mode(60))
        await asked.wait()
        noticed = HistoryEntry(0, datetime.now(UTC), "setting", ps.PrivacyCategory.LAST)
        await recorded.recorder._add(noticed)
        following = asyncio.ensure_future(anext(changes))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not following.done()
        answered.set()
        await making
        assert (await following)[1].outcome == "applied"
        assert (await anext(changes))[1].outcome == "noticed"


async def test_it_goes_on_from_an_id(client):
    for seconds in (1, 2, 3):
        await client.set_default_disappearing_mode(seconds)
    first, *rest = [e.id for e in await client.history() if e.change == "timer"]
    async with watching(client, after=first) as following:
        assert following.place == first
        assert [(await following()).id for _ in rest] == rest
    # An id that the journal never gave is of another one: all of this is new.
    async with watching(client, after=2**40) as following:
        assert following.place == 0
        assert (await following()).id == 1


async def test_many_changes_are_told_in_their_order(client):
    async with watching(client) as following:
        for seconds in range(1, 40):
            await client.set_default_disappearing_mode(seconds)
        assert [(await following()).after for _ in range(1, 40)] == list(map(str, range(1, 40)))


async def test_many_may_watch_and_none_of_them_takes_a_clients_connections(client):
    async def first() -> HistoryEntry:
        async with aclosing(client.watch()) as entries:
            return await anext(entries)

    watchers = [asyncio.create_task(first()) for _ in range(MOST_WATCHERS)]
    task = asyncio.create_task(first())
    await asyncio.sleep(0)
    while not all(each.done() for each in watchers):
        value = 1 + (await client.fetch_default_disappearing_mode())
        await client.set_default_disappearing_mode(value)
    assert {each.result().change for each in watchers} == {"timer"}
    task.cancel()
    await asyncio.wait([task])


async def begins_again(client: ps.AsyncClient) -> None:
    """Watch once the gateway has noticed that others have hung up."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with watching(client):
                    return
            except TooManyWatchersError:
                await asyncio.sleep(0.02)


async def test_so_many_may_watch_and_no_more():
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url:
        async with ps.AsyncClient(url) as client:
            held = [client.account.watch() for _ in range(MOST_WATCHERS)]
            for each in held:
                await anext(each)
            with pytest.raises(TooManyWatchersError, match="32 watch this account already"):
                await anext(client.account.watch())
            for each in held:
                await each.aclose()
            await begins_again(client)


async def test_without_a_journal_there_is_nothing_to_watch():
    app = create_app({"demo": ps.EmulatedAccount()}, token=None, journal=NoJournal())
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1"
    ) as http:
        answer = await http.get(EVENTS)
    assert (answer.status_code, answer.json()["hint"]) == (
        501,
        "It was started with --journal off.",
    )


# --- accounts that tell nothing


class Counted(ps.EmulatedAccount):
    reads = 0

    def __init__(self) -> None:
        super().__init__()
        self.read_thrice = asyncio.Event()

    async def fetch_privacy_settings(self) -> ps.PrivacySettingsResponse:
        self.reads += 1
        if self.reads == 3:
            self.read_thrice.set()
        return await super().fetch_privacy_settings()


async def test_an_account_is_read_only_while_somebody_watches():
    account = Counted()
    recorded = RecordedAccount(account, Recorder("demo", MemoryJournal(), read_every=0.01))

    async with aclosing(recorded.watch()) as changes:
        await anext(changes)
        assert account.reads == 0
        following = asyncio.create_task(anext(changes))
        await asyncio.wait_for(account.read_thrice.wait(), PATIENCE)
        await account.emulate(PhoneSets("last", "none"))
        _, entry = await asyncio.wait_for(following, PATIENCE)
        assert seen(entry) == ("all", "none", "noticed")
    before = account.reads
    await asyncio.sleep(0.05)
    assert account.reads == before


async def test_many_watchers_read_an_account_as_often_as_one():
    account = Counted()
    recorded = RecordedAccount(account, Recorder("demo", MemoryJournal()))
    watchers = [recorded.watch() for _ in range(10)]
    for each in watchers:
        await anext(each)
    tasks = [asyncio.create_task(anext(each)) for each in watchers]
    await recorded.set_default_disappearing_mode(60)
    assert {entry.after for _, entry in await asyncio.gather(*tasks)} == {"60"}
    assert account.reads == 1
    for each in watchers:
        await each.aclose()


async def test_an_account_that_cannot_be_read_is_watched_all_the_same(client):
    refused = NextAnswer("refused", operation="fetch_privacy_settings", times=1_000)
    await client.account.emulate(refused)
    async with watching(client) as following:
        await client.account.emulate(PhoneSets("last", "none"))
        await client.set_default_disappearing_mode(60)
        assert (await following()).after == "60"


# --- gateways that stop


async def test_a_gateway_that_stops_ends_a_stream_in_order():
    with ExitStack() as gateway:
        url = gateway.enter_context(running_gateway({"demo": ps.EmulatedAccount("demo")}))
        async with httpx2.AsyncClient() as http, http.sse(f"{url}{EVENTS}") as source:
            events = aiter(source)
            assert (await anext(events)).data == ""
            stopping = asyncio.create_task(asyncio.to_thread(gateway.close))
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(events), PATIENCE)
            await stopping


@pytest.mark.parametrize(
    ("kind", "is_found"),
    [
        ("sqlite", False),
        pytest.param("sqlite", True, marks=pytest.mark.slow),
        pytest.param("postgresql", False, marks=pytest.mark.slow),
    ],
)
def test_over_gateways_that_are_killed_nothing_is_lost_and_nothing_comes_twice(
    tmp_path, monkeypatch, kind, is_found
):
    monkeypatch.setenv("PRIVACY_SDK_DATA_DIR", str(tmp_path))
    port, watched = free_port(), Queue[HistoryEntry]()
    with ExitStack() as end:
        where = end.enter_context(postgresql()) if kind == "postgresql" else None

        def start() -> GatewayProcess:
            gateway = GatewayProcess(port=port, journal=where)
            end.callback(gateway.close)
            return gateway

        gateway = start()
        url = None if is_found else gateway.url
        client = end.enter_context(ps.Client(url, account="demo", wait=PATIENCE))

        def watch() -> None:
            for entry in client.watch(after=0):
                watched.put(entry)
                if entry.after == "999":
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        for turn in range(3):
            making = threading.Thread(target=_make_changes, args=(gateway.url, 1 + 100 * turn))
            making.start()
            while watched.qsize() < 8 * (turn + 1):
                assert thread.is_alive()
                time.sleep(0.01)
            gateway.send(signal.SIGKILL)
            making.join()
            gateway = start()
        client.set_default_disappearing_mode(999)
        thread.join(PATIENCE)
        entries = asyncio.run(_history(gateway.url))
    told = list(watched.queue)
    assert [entry.id for entry in told] == [entry.id for entry in entries]
    assert told == entries
    assert [entry.change for entry in told].count("start") == 4


def _make_changes(url: str, first: int) -> None:
    with ps.Client(url) as client, suppress(ps.PrivacyError):
        for seconds in range(first, first + 100):
            client.set_default_disappearing_mode(seconds)


async def _history(url: str) -> list[HistoryEntry]:
    async with ps.AsyncClient(url) as client:
        return list(await client.history())


async def test_a_gateway_that_falls_silent_is_asked_again(monkeypatch):
    monkeypatch.setattr("privacy_sdk.accounts.http._SILENT_FOR", 0.2)
    asked: list[str] = []
    answering: list[asyncio.Task[None]] = []
    entry = entry_to_json(HistoryEntry(6, datetime.now(UTC), "timer", after="60"))
    begin = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 5\n\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.current_task())
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(begin)
        if len(asked) > 1:
            writer.write(f"data: {json.dumps(entry)}\nid: 6\n\n".encode())
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ps.AsyncClient(f"http://127.0.0.1:{port}", token=TOKEN, account="demo")
    async with server, client, watching(client) as following:
        assert (await following()).id == 6
    await asyncio.gather(*answering)
    assert "last-event-id" not in asked[0]
    assert "last-event-id: 5" in asked[1]


async def test_a_gateway_that_was_never_there_is_an_error():
    async with ps.AsyncClient(f"http://127.0.0.1:{free_port()}", account="demo") as client:
        with pytest.raises(ps.NotConnectedError, match="No gateway answers"):
            await anext(client.watch())


@pytest.mark.parametrize(
    "answer", ["", "x" * 2_000, "id: x\n\n", "data: 1\nid: 1\n\n", "data: {}\nid: 1\n\n"]
)
async def test_a_stream_that_is_none_of_a_gateway_is_said_to_be(answer, monkeypatch):
    monkeypatch.setattr("privacy_sdk.accounts.http.MAX_ANSWER", 1_000)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kind = b"text/event-stream" if answer else b"text/html"
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.encode()})

    account = ps.HttpAccount(account="demo", transport=httpx2.ASGITransport(app), offline=True)
    with pytest.raises(ps.errors.UnreadableAnswerError):
        async for _ in account.watch():
            pass


async def test_a_long_list_that_is_lost_is_told(client):
    people = [ps.Jid.parse(f"999{number:012}@lid") for number in range(20_000)]
    await client.exclude("last", people)  # some 1.2 MB of JSON
    async with watching(client) as following:
        await client.set_privacy_setting("last", "all")
        assert len((await following()).lost) == 20_000


async def test_a_change_that_never_ends_is_no_change():
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = {"type": "http.response.body", "body": b"data: " + b" " * 2**20, "more_body": True}
        for _ in range(MAX_ANSWER // 2**20 + 2):
            await send(body)
        await send({"type": "http.response.body", "body": b""})

    account = ps.HttpAccount(account="demo", transport=httpx2.ASGITransport(app), offline=True)
    with pytest.raises(ps.errors.UnreadableAnswerError, match="too long"):
        await anext(account.watch())


async def test_a_comment_is_sent_where_nothing_happens(monkeypatch):
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url:
        async with httpx2.AsyncClient() as http, http.stream("GET", f"{url}{EVENTS}") as answer:
            assert answer.headers["x-accel-buffering"] == "no"
            lines = answer.aiter_lines()
            assert [await anext(lines) for _ in range(4)] == ["id: 1", "", ": ping", ""]


def test_who_reads_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("privacy_sdk.gateway.connections.PROGRESS_DUE", 0.2)
    journal = MemoryJournal()
    entry = HistoryEntry(0, datetime.now(UTC), "timer", reason="x" * 100_000)

    async def fill() -> None:
        for _ in range(300):  # more than the sockets between them hold
            await journal.add("demo", entry)

    asyncio.run(fill())
    monkeypatch.setattr("privacy_sdk.gateway.app.MemoryJournal", lambda: journal)
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url, connected(url) as reader:
        reader.sendall(f"GET {EVENTS}?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        time.sleep(1)
        assert b"id: 300\n" not in read_all(reader)


# --- recordings


async def test_a_recording_lets_events_pass_and_a_replay_has_none(tmp_path):
    path = tmp_path / "mine.yaml"
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url:
        async with ps.AsyncClient(url, record=path) as client, watching(client) as following:
            await client.set_default_disappearing_mode(60)
            assert (await following()).after == "60"
    assert "/events" not in path.read_text()
    with pytest.raises(ps.NotRecordedError, match="has no events"):
        await anext(ps.AsyncClient.replay(path).watch())
    async with ps.AsyncClient.emulated(record=tmp_path / "here.yaml") as client:
        with pytest.raises(ps.NotSupportedError, match="tells nothing while it is recorded"):
            await anext(client.watch())


# --- who blocks


def test_ctrl_c_ends_a_watch_at_once_and_the_client_goes_on():
    program = """
import privacy_sdk as ps
client = ps.Client.emulated()
client.set_default_disappearing_mode(60)
try:
    for entry in client.watch(after=0):
        print(entry.after, flush=True)
except KeyboardInterrupt:
    print(client.fetch_default_disappearing_mode(), flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "60\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE)[0] == "60\n"
    assert process.returncode == 0


def test_a_loop_over_a_watch_that_is_left_stops_watching():
    account = ps.EmulatedAccount()
    client = ps.Client.from_account(account)
    client.set_default_disappearing_mode(60)
    for entry in client.watch(after=0):
        assert entry.after == "60"
        assert account.recorder.watchers == 1
        break
    del entry
    client.fetch_default_disappearing_mode()  # the loop has had its turn
    assert account.recorder.watchers == 0


# --- the command line

WATCH = [sys.executable, "-m", "privacy_sdk", "watch"]


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_writes_a_line_for_each_change(as_json):
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url, ps.Client(url) as client:
        arguments = [*WATCH, "--url", url, *["--json"] * as_json]
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = _line_of_a_change(process, client)
        if as_json:
            assert json.loads(line)["change"] == "timer"
        else:
            assert "  Disappearing messages: " in line
            assert "(applied, " in line
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert "Traceback" not in error


def _line_of_a_change(process: Any, client: ps.Client) -> str:
    """Changes the timer until the command, which takes a while to begin, has told of it."""
    found: Queue[str] = Queue()
    threading.Thread(target=lambda: found.put(process.stdout.readline()), daemon=True).start()
    for seconds in range(1, 3_000):
        client.set_default_disappearing_mode(seconds)
        with suppress(Empty):
            return found.get(timeout=0.05)
    raise AssertionError


def test_the_command_is_calm_when_nobody_reads_any_more():
    with running_gateway({"demo": ps.EmulatedAccount("demo")}) as url, ps.Client(url) as client:
        process = subprocess.Popen(
            [*WATCH, "--url", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        _line_of_a_change(process, client)
        process.stdout.close()
        for seconds in range(1, 3_000):
            client.set_default_disappearing_mode(seconds)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                break
        assert process.returncode == 141
        assert process.stderr.read() == ""
        process.stderr.close()
