"""The command as a process: pipes, terminals, locales, signals, completions."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from relay import PATIENCE, relay_to

import privacy_sdk as ps
from privacy_sdk.cli.main import FIRST_STEPS
from privacy_sdk.testing import running_gateway

COMMAND = [sys.executable, "-m", "privacy_sdk"]
SHOW = [*COMMAND, "show", "--emulated"]
PLAIN = {
    name: value
    for name, value in os.environ.items()
    if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LANG", "PYTHONUTF8"}
    and not name.startswith("LC_")
}


def run(arguments: list[str], **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        arguments, env=PLAIN | environment, capture_output=True, timeout=PATIENCE, check=False
    )


def in_terminal(arguments: list[str], columns: int, **environment: str) -> str:
    """What a terminal of so many columns gets to show."""
    screen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        arguments,
        env=PLAIN | {"TERM": "xterm-256color"} | environment,
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(screen, 65_536)
        except OSError:  # the terminal has no other end any more
            break
        if not piece:
            break
        shown += piece
    os.close(screen)
    assert process.wait(PATIENCE) == 0
    return shown.decode().replace("\r\n", "\n")


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_in_a_pipe_every_row_is_one_whole_line_without_colours() -> None:
    for environment in ({}, {"COLUMNS": "20"}, {"TERM": "dumb"}):
        ended = run(SHOW, **environment)
        lines = ended.stdout.decode().splitlines()
        assert (ended.returncode, ended.stderr, len(lines)) == (0, b"", 10)
        assert lines[6].split() == ["readreceipts", "Read", "receipts", "all", "everyone"]
        assert b"\x1b" not in ended.stdout


@pytest.mark.parametrize("columns", [80, 60, 40, 20, 10])
def test_in_a_terminal_every_line_fits(columns: int) -> None:
    shown = without_colours(in_terminal(SHOW, columns))
    assert max(map(len, shown.splitlines())) <= columns
    assert "messages" in shown.replace("\n", "")


def test_at_80_columns_there_is_a_whole_table() -> None:
    shown = without_colours(in_terminal(SHOW, 80))
    assert re.search(r"│ readreceipts +│ Read receipts +│ all +│ everyone +│", shown)


def test_at_40_columns_there_is_what_matters_most() -> None:
    shown = without_colours(in_terminal(SHOW, 40))
    assert re.search(r"│ readreceipts +│ all +│\n", shown)


def test_at_20_columns_a_row_is_two_lines() -> None:
    shown = without_colours(in_terminal(SHOW, 20))
    assert shown.splitlines()[:4] == ["last", "  all", "online", "  all"]


def test_a_terminal_has_colours_unless_they_are_unwanted() -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", in_terminal([*COMMAND, "demo"], 80))
    plain = in_terminal([*COMMAND, "demo"], 80, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*[34][0-7]m", plain)


@pytest.mark.parametrize("arguments", [SHOW, [*SHOW, "--json"], COMMAND, [*COMMAND, "--version"]])
def test_a_reader_that_has_gone_ends_the_command_in_silence(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        arguments, env=PLAIN, stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            SHOW, env=PLAIN, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        b"privacy-sdk: The output cannot be written: No space left on device.\n"
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(closed: str) -> None:
    line = f'"$@" {closed}'
    assert run(["sh", "-c", line, "sh", *SHOW]).returncode == 0
    wrong = run(["sh", "-c", line, "sh", *COMMAND, "set", "last", "nobdy"])
    assert wrong.returncode == 2
    assert wrong.stdout == b""


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_with_an_ascii_locale_everything_is_still_shown(environment: dict[str, str]) -> None:
    ended = run([*COMMAND, "demo"], **environment)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"Last seen      contact_blacklist  none" in ended.stdout
    if "PYTHONUTF8" in environment:
        assert b"99???01@lid" in ended.stdout
    assert run([*COMMAND, "set", "last", "ÿ"], **environment).returncode == 2


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_during_a_change_is_130_and_says_that_it_may_still_take(as_json: bool) -> None:
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, relay_to(url) as relay:
        relay.hold = b"PUT "
        process = subprocess.Popen(
            [*COMMAND, "set", "last", "none", "--url", relay.url, *["--json"][: int(as_json)]],
            env=PLAIN,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        relay.expect("held")
        process.send_signal(signal.SIGINT)
        relay.expect("closed")
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""
    says = "Interrupted. A change that was already sent may still take; privacy-sdk show tells."
    if as_json:
        assert (json.loads(err)["detail"], json.loads(err)["exit_code"]) == (says, 130)
    else:
        assert err == f"privacy-sdk: {says}\n"


def test_ctrl_c_while_reading_is_130_in_one_line() -> None:
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, relay_to(url) as relay:
        relay.hold = b"GET "
        process = subprocess.Popen(
            [*COMMAND, "show", "--url", relay.url], env=PLAIN, stderr=subprocess.PIPE, text=True
        )
        relay.expect("held")
        process.send_signal(signal.SIGINT)
        relay.expect("closed")
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "privacy-sdk: Interrupted.\n")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_gateway_serves_until_it_is_stopped(stop: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "gateway", "--port", "0", "--account", "me=emulated", "--json"],
        env=PLAIN | {"XDG_DATA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    listening = json.loads(process.stdout.readline())
    shown = run(
        [*COMMAND, "show", "--json", "--url", listening["url"]], XDG_DATA_HOME=str(tmp_path)
    )
    process.send_signal(stop)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert listening["accounts"] == ["me"]
    assert json.loads(shown.stdout)["account"] == "me"


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("privacy-sdk ti", {"timer"}),
        ("privacy-sdk set on", {"online"}),
        ("privacy-sdk set online ", {"all", "match_last_seen"}),
        ("privacy-sdk excluded ", {"last", "profile", "status", "groupadd"}),
        ("privacy-sdk show --re", {"--replay"}),
    ],
)
def test_completions_offer_what_can_follow(line: str, offers: set[str]) -> None:
    words = line.split(" ")
    ended = run(
        COMMAND,
        _PRIVACY_SDK_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    )
    assert ended.returncode == 0
    assert set(ended.stdout.decode().split()) == offers


def test_nothing_heavy_is_imported_to_show_help_or_an_error() -> None:
    code = "import sys, privacy_sdk.cli.main as cli; cli.main(sys.argv[1:]); print(*sys.modules)"
    for arguments in (["--version"], ["set", "last", "nobdy"], ["timer", "7x"]):
        loaded = set(run([sys.executable, "-c", code, *arguments]).stdout.decode().split())
        assert not {"pandas", "vcr", "httpx2", "fastapi", "ipywidgets"} & loaded


def test_a_command_imports_no_other_command() -> None:
    code = "import sys, privacy_sdk.cli.main as cli; cli.main(sys.argv[1:]); print(*sys.modules)"
    loaded = set(run([sys.executable, "-c", code, "show", "--emulated"]).stdout.decode().split())
    assert "privacy_sdk.cli.settings" in loaded
    others = {f"privacy_sdk.cli.{name}" for name in ("doctor", "gateway", "link", "policies")}
    assert not others & loaded


def test_the_installed_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("privacy-sdk")
    ended = run([str(script)])
    assert ended.stdout.decode().rstrip() == FIRST_STEPS


def test_garbage_is_looked_for_again_once_the_command_is_imported() -> None:
    code = (
        "import gc, sys; from privacy_sdk.__main__ import main; sys.argv[1:] = ['--version']; "
        "main(); print(gc.isenabled(), gc.get_freeze_count() > 1_000)"
    )
    assert run([sys.executable, "-c", code]).stdout.splitlines()[-1] == b"True True"
