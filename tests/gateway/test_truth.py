"""Nobody is told anything false: many writers, hang-ups, lost answers, a gateway that is killed."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from asking import TOKEN

import privacy_sdk as ps
from privacy_sdk.errors import AccountBusyError, OvertakenError
from privacy_sdk.testing import NextAnswer, running_gateway

GRACE = 2.0
"""How long what was sent to the account before somebody hung up may take to be made [s]."""

MADE, NOT_MADE, UNKNOWN, HUNG_UP = "made", "not made", "unknown", "hung up"


class Logged(ps.EmulatedAccount):
    """An account that keeps a log of what was really changed, and when."""

    def __init__(self) -> None:
        super().__init__(latency=0.002, settings={"last": "contact_blacklist", "status": "all"})
        self.log: list[tuple[float, str]] = []
        make = self.server.answer

        def answer(request: Element, fault: NextAnswer | None = None) -> Element:
            before = self.state()
            answered = make(request, fault)
            for change in self.state() - before:
                self.log.append((time.monotonic(), change))
            return answered

        self.server.answer = answer

    def state(self) -> set[str]:
        people = {f"+{user.jid.user}" for user in self.server.lists["last"]}
        return {f"timer {self.server.timer}", *people} | {
            f"-{lid}" for lid in PEOPLE if f"+{lid}" not in people
        }


PEOPLE = [f"99900000000010{n}" for n in range(8)]

FRONT = """
import sys
from privacy_sdk.accounts.http import HttpAccount
from privacy_sdk.gateway.server import serve
serve({"demo": HttpAccount(sys.argv[1], token=sys.argv[2], account="demo")}, port=0)
"""


def start(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", FRONT, url, TOKEN],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.stdout.readline()
    return process


async def write(me: int, times: int, client: ps.AsyncClient) -> list[tuple[str, str, float, float]]:
    """Change things; what one was told of each change, and when it was begun and over."""
    chance = random.Random(me)
    told = []
    for n in range(times):
        began = time.monotonic()
        if chance.random() < 0.5:
            seconds = 1_000 * (me + 1) + n
            change, call = f"timer {seconds}", client.set_default_disappearing_mode(seconds)
        elif n % 2:
            change, call = f"+{PEOPLE[me]}", client.exclude("last", f"{PEOPLE[me]}@lid")
        else:
            change, call = f"-{PEOPLE[me]}", client.include("last", f"{PEOPLE[me]}@lid")
        try:
            async with asyncio.timeout(0.02 if chance.random() < 0.1 else None):
                await call
            outcome = MADE
        except TimeoutError as error:
            outcome = UNKNOWN if isinstance(error, ps.PrivacyError) else HUNG_UP
        except (ps.NotConnectedError, ps.NotAppliedError, AccountBusyError):
            outcome = NOT_MADE
        except (ps.OutcomeUnknownError, OvertakenError, ps.ConflictError):
            outcome = UNKNOWN
        told.append((outcome, change, began, time.monotonic()))
    return told


@pytest.mark.skipif(os.name != "posix", reason="gateways are found by their sockets")
@pytest.mark.parametrize("times", [12, pytest.param(200, marks=pytest.mark.slow)])
async def test_no_client_believes_something_false(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    account = Logged()
    with running_gateway({"demo": account}, token=TOKEN) as url:
        front = await asyncio.to_thread(start, url)
        clients = [ps.AsyncClient(account="demo", wait=60, timeout=20) for _ in range(8)]
        writing = asyncio.gather(*(write(me, times, each) for me, each in enumerate(clients)))
        losing = asyncio.create_task(lose_answers(url))
        while len(account.log) < 2 * times:  # about half-way
            await asyncio.sleep(0.01)
            assert not writing.done()
        front.kill()
        front.communicate()
        front = await asyncio.to_thread(start, url)
        told = [each for mine in await writing for each in mine]
        losing.cancel()
        with suppress(asyncio.CancelledError):
            await losing
        for client in clients:
            await client.aclose()
        front.terminate()
        front.communicate()
    false = [each for each in told if is_false(*each, account.log)]
    counted = Counter(outcome for outcome, *_ in told)
    print(f"8 writers x {times}: {dict(counted)}; log {len(account.log)}; false {len(false)}")
    assert false == []
    assert len(told) == 8 * times
    assert counted[MADE] > 4 * times
    assert counted[HUNG_UP]


async def lose_answers(url: str) -> None:
    async with ps.AsyncClient(url, token=TOKEN, account="demo") as client:
        while True:
            for operation in ("set_default_disappearing_mode", "set_privacy_disallowed_list"):
                with suppress(ps.PrivacyError):
                    await client.account.emulate(NextAnswer("lost", operation=operation))
            await asyncio.sleep(0.15)


def is_false(
    outcome: str, change: str, began: float, over: float, log: list[tuple[float, str]]
) -> bool:
    times = [at for at, made in log if made == change]
    if outcome == MADE:  # then, or before: who is excepted already stays so
        return not any(at <= over for at in times) and not change.startswith("-")
    if change.startswith("timer "):  # which is nobody else's
        if outcome == NOT_MADE:
            return bool(times)
        if outcome == HUNG_UP:
            return any(at > over + GRACE for at in times)
    return False


async def test_what_was_closed_meanwhile_is_never_opened() -> None:
    with running_gateway({"demo": ps.EmulatedAccount(latency=0.002)}, token=TOKEN) as url:
        async with (
            ps.AsyncClient(url, token=TOKEN, account="demo") as script,
            ps.AsyncClient(url, token=TOKEN, account="demo") as owner,
        ):
            refused = 0
            for n in range(60):
                await owner.set_privacy_setting("last", "all")

                async def close(later: float = 0.0005 * (n % 20)) -> None:
                    await asyncio.sleep(later)
                    await owner.set_privacy_setting("last", "none")

                excluding = script.exclude("last", "999000000000001@lid")
                answers = await asyncio.gather(excluding, close(), return_exceptions=True)
                refused += isinstance(answers[0], ps.InvalidInputError)
                settings = await owner.fetch_privacy_settings()
                assert settings.get_value("last") is ps.PrivacyValue.NONE
            assert refused


def test_an_account_is_used_from_two_event_loops_one_after_the_other() -> None:
    account = ps.EmulatedAccount(latency=0.001)

    async def contended() -> None:
        client = ps.AsyncClient.from_account(account)
        people = [f"99900000000000{n}@lid" for n in range(1, 4)]
        await asyncio.gather(*(client.exclude("last", person) for person in people))
        await asyncio.gather(*(client.include("last", person) for person in people))

    asyncio.run(contended())
    asyncio.run(contended())


class Overtaken(ps.EmulatedAccount):
    """An account whose owner changes what was just set."""

    then = "none"

    async def set_privacy_setting(self, category, value, **options):
        answer = await super().set_privacy_setting(category, value, **options)
        await self.emulate(ps.testing.PhoneSets(category, self.then))
        return answer


@pytest.mark.parametrize("is_served", [False, True])
async def test_what_was_made_and_changed_since_is_said_as_that(is_served: bool) -> None:
    account = Overtaken()
    with running_gateway({"demo": account}) as url:
        client = ps.AsyncClient(url) if is_served else ps.AsyncClient.from_account(account)
        async with client:
            with pytest.raises(OvertakenError) as caught:
                await client.set_privacy_setting("last", "contacts")
            assert caught.value.message == (
                "'contacts' was accepted and 'none' is set now: changed since, or not made."
            )
            account.then = "all"
            applied = await client.apply(await client.plan({"last": "contacts"}))
    assert [each.outcome for each in applied] == [ps.policies.Outcome.OVERTAKEN]
    assert not applied.is_complete
    assert not applied.undo()
