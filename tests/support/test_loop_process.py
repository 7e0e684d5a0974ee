"""The loop thread's edges, each in a process of its own, proven by the order of events."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from relay import PATIENCE, Relay, relay_to

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.testing import running_gateway

posix = pytest.mark.skipif(os.name != "posix", reason="forks and signals of POSIX")

FORKS = ("-W", "ignore:This process:DeprecationWarning")
"""Python 3.12 and later warn of a fork where threads run, as the loop's does; it is meant."""

PRELUDE = """
import os, signal, sys, threading
import privacy_sdk as ps

def value(client):  # of the timer, for a table would import pandas
    return client.fetch_default_disappearing_mode()

if __name__ == "__main__":
    relay = os.environ.get("RELAY")
    client = ps.Client(relay) if relay else ps.Client.emulated()
"""


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_gateway({"demo": EmulatedAccount()}) as url, relay_to(url) as relay:
        yield relay


def start(script: str, relay: Relay, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *options, "-c", PRELUDE + textwrap.dedent(script)],
        env=os.environ | {"RELAY": relay.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.PIPE,
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def test_a_script_that_never_closes_its_client_ends_while_the_server_keeps_the_connection_open(
    relay: Relay,
) -> None:
    process = start("print(value(client))", relay)
    assert outcome(process) == (0, "0\n", "")
    relay.expect("closed")


def test_a_script_ends_while_a_thread_waits_for_an_answer_that_never_comes(relay: Relay) -> None:
    relay.hold = b"GET "
    process = start(
        """
        threading.Thread(target=lambda: value(client), daemon=True).start()
        sys.stdin.readline()
        print("done")
        """,
        relay,
    )
    relay.expect("held")
    code, out, err = outcome(process)
    assert (code, out, err) == (0, "done\n", "")
    relay.expect("closed")


@posix
@pytest.mark.parametrize("what", ["change", "read"])
def test_ctrl_c_during_an_answer_that_never_comes_closes_the_connection_and_the_client_goes_on(
    relay: Relay, what: str
) -> None:
    relay.hold = {"change": b"PUT ", "read": b"GET /v1/accounts/demo/privacy/last"}[what]
    call = {
        "change": 'client.set_privacy_setting("last", "none")',
        "read": 'client.fetch_disallowed_list("last")',
    }[what]
    process = start(
        f"""
        value(client)
        try:
            {call}
        except KeyboardInterrupt as interrupt:
            print("interrupted", getattr(interrupt, "__notes__", []), flush=True)
        sys.stdin.readline()
        print(value(client))
        client.close()
        """,
        relay,
    )
    relay.expect("held")
    process.send_signal(signal.SIGINT)
    relay.expect("closed")
    relay.hold = None
    code, out, err = outcome(process)
    said, after = out.splitlines()
    notes = "The change may already have been sent, and may still take" if what == "change" else ""
    assert (code, after, err) == (0, "0", "")
    assert notes in said
    assert ("[]" in said) is (what == "read")


@posix
def test_parent_and_child_of_a_fork_each_go_on_with_connections_of_their_own(relay: Relay) -> None:
    process = start(
        """
        value(client)
        child = os.fork()
        if child == 0:
            client.set_default_disappearing_mode(60)
            client.close()
            sys.exit(7)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, value(client))
        client.close()
        """,
        relay,
        *FORKS,
    )
    assert outcome(process) == (0, "7 60\n", "")
    assert relay.connections == 2


@posix
def test_a_fork_while_another_thread_waits_for_an_answer_leaves_the_child_free(
    relay: Relay,
) -> None:
    relay.hold = b"GET /v1/accounts/demo/privacy/last"
    process = start(
        """
        value(client)
        threading.Thread(target=client.fetch_disallowed_list, args=["last"], daemon=True).start()
        sys.stdin.readline()
        if os.fork() == 0:
            print(value(client))
            client.close()
            sys.exit()
        os.wait()
        """,
        relay,
        *FORKS,
    )
    relay.expect("held")
    assert outcome(process) == (0, "0\n", "")


@pytest.mark.parametrize("method", [pytest.param("fork", marks=posix), "spawn"])
def test_workers_of_multiprocessing_use_the_client_of_their_module(
    relay: Relay, method: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, os
            import privacy_sdk as ps

            client = ps.Client(os.environ["RELAY"])

            def work(category):
                client.set_privacy_setting(category, "none")  # and reads it back
                return os.getpid()

            if __name__ == "__main__":
                client.fetch_default_disappearing_mode()
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    pids = pool.map(work, ["last", "profile", "status", "groupadd"], chunksize=1)
                print(os.getpid() in pids)
                client.close()
            """
        )
    )
    ended = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"RELAY": relay.url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        0,
        "False\n",
        "",
    )


def test_system_exit_in_a_coroutine_ends_the_caller_and_not_the_loop(relay: Relay) -> None:
    process = start(
        """
        class Exiting(ps.EmulatedAccount):
            async def fetch_privacy_settings(self):
                raise SystemExit(3)

            async def fetch_default_disappearing_mode(self):
                import asyncio
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.fetch_privacy_settings())

        exiting = ps.Client.from_account(Exiting())
        try:
            exiting.fetch_default_disappearing_mode()
        except SystemExit as exit:
            print("child task", exit.code)
        print(value(client))
        client.close()
        exiting.fetch_privacy_settings()
        """,
        relay,
    )
    code, out, _ = outcome(process)
    assert (code, out) == (3, "child task 3\n0\n")


def test_a_call_while_the_interpreter_shuts_down_is_an_error_and_does_not_hang(
    relay: Relay,
) -> None:
    process = start(
        """
        class Late:
            def __del__(self, client=client, sys=sys):
                try:
                    client.fetch_default_disappearing_mode()
                except Exception as error:
                    print(type(error).__name__, error, file=sys.__stdout__)

        value(client)
        late = Late()
        """,
        relay,
    )
    code, out, _ = outcome(process)
    assert (code, out) == (0, "UsageError The interpreter is shutting down.\n")


def test_at_exit_handlers_can_still_use_a_client(relay: Relay) -> None:
    process = start(
        """
        import atexit
        value(client)
        atexit.register(lambda: print(value(client), client.close()))
        """,
        relay,
    )
    assert outcome(process) == (0, "0 None\n", "")


@posix
def test_a_signal_handler_can_call_while_a_call_waits(relay: Relay) -> None:
    relay.hold = b"GET /v1/accounts/demo/privacy/last"
    process = start(
        """
        value(client)
        def handler(*_):
            print(value(client), flush=True)
            raise TimeoutError("mine")
        signal.signal(signal.SIGTERM, handler)
        try:
            client.fetch_disallowed_list("last")
        except TimeoutError as error:
            print(error)
        client.close()
        """,
        relay,
    )
    relay.expect("held")
    process.send_signal(signal.SIGTERM)
    relay.expect("closed")
    assert outcome(process) == (0, "0\nmine\n", "")


ALARMS = """
import random

alarms, rung, heard = int(sys.argv[1]), 0, 0
def ring(*_):
    global rung
    rung += 1
    raise TimeoutError
signal.signal(signal.SIGALRM, ring)

def call_until_it_rings(turn):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-3))
    while rung == turn:
        value(client)

value(client)
for turn in range(alarms):
    try:
        call_until_it_rings(turn)
    except TimeoutError:
        heard += 1
print(rung, heard)
"""


@posix
@pytest.mark.parametrize(
    ("alarms", "busy"), [(200, 0), pytest.param(2_000, 2, marks=pytest.mark.slow)]
)
def test_what_a_signal_handler_raises_during_a_call_is_never_lost(alarms: int, busy: int) -> None:
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PRELUDE + ALARMS, str(alarms)],
            capture_output=True,
            text=True,
            timeout=10 * PATIENCE,
            check=False,
        )
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{alarms} {alarms}\n", "")
