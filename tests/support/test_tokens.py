"""The token of this machine's gateways: made once, for its owner alone, and sent nowhere else."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.support.gateways import is_loopback
from privacy_sdk.support.tokens import (
    checked_token,
    gateway_token,
    stored_token,
    token_in_environment,
    token_path,
)


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("PRIVACY_SDK_TOKEN", raising=False)
    path = token_path()
    assert path.is_relative_to(tmp_path)
    return path


def test_before_a_gateway_ever_ran_there_is_no_token_to_send(path: Path) -> None:
    assert stored_token() is None
    assert not path.exists()


def test_the_first_start_makes_a_token_and_every_later_one_keeps_it(path: Path) -> None:
    token, where = gateway_token()
    assert len(token) >= 40
    assert where == str(path)
    assert gateway_token() == (token, where)
    assert stored_token() == token


def test_only_its_owner_may_read_the_token(path: Path) -> None:
    gateway_token()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_but_the_token_is_left_behind(path: Path) -> None:
    gateway_token()
    assert list(path.parent.iterdir()) == [path]


def test_gateways_that_start_at_once_agree_on_one_token() -> None:
    barrier = Barrier(8)

    def start(_: int) -> str:
        barrier.wait()
        return gateway_token()[0]

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(start, range(8)))
    assert tokens == {stored_token()}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_have_read_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    token, _ = gateway_token()
    path.chmod(mode)
    for use in (stored_token, gateway_token):
        with pytest.raises(InvalidInputError, match="other users") as caught:
            use()
        assert "Delete it" in caught.value.hint
        assert token not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"two words\n", b"\xff\xfe\n", b"a\nb\n", b"x" * 5000, b"tok\x00en\n"]
)
def test_a_broken_file_is_an_error_that_says_so(path: Path, content: bytes) -> None:
    gateway_token()
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match="not one word"):
        stored_token()


def test_a_folder_in_the_files_place_is_an_error_that_says_so(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        gateway_token()


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def looping(path: Path) -> None:
    path.symlink_to(path)


def to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def shared(path: Path) -> None:
    path.write_text("http://127.0.0.1:1")
    path.chmod(0o666)


def in_a_shared_folder(path: Path) -> None:
    path.write_text("http://127.0.0.1:1")
    path.chmod(0o600)
    path.parent.chmod(0o777)


TRAPS = [fifo, dangling, looping, to_a_device, shared, in_a_shared_folder]


@pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and modes are those of POSIX")
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_in_the_place_of_the_token_is_an_error_of_ours_at_once(
    path: Path, trap: Callable[[Path], None]
) -> None:
    path.parent.mkdir(mode=0o700)
    trap(path)
    for use in (stored_token, gateway_token):
        with pytest.raises(InvalidInputError):
            use()


def test_a_data_folder_that_cannot_be_made_is_an_error_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(InvalidInputError, match="cannot be"):
        gateway_token()


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, _ = gateway_token()
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "from-the-environment")
    assert token_in_environment() == "from-the-environment" != stored
    assert gateway_token() == ("from-the-environment", "PRIVACY_SDK_TOKEN")


def test_an_empty_variable_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "")
    assert token_in_environment() is None


def test_a_variable_that_no_header_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "a\nb")
    with pytest.raises(InvalidInputError, match="PRIVACY_SDK_TOKEN"):
        token_in_environment()


@given(st.text(max_size=20))
def test_a_token_is_one_word_of_visible_ascii(text: str) -> None:
    visible = bool(text) and text.isascii() and text.isprintable() and " " not in text
    if visible:
        assert checked_token(text, "a test") == text
    else:
        with pytest.raises(InvalidInputError):
            checked_token(text, "a test")


@given(st.ip_addresses())
def test_an_address_is_this_machine_exactly_when_it_is_a_loopback_one(
    address: IPv4Address | IPv6Address,
) -> None:
    assert is_loopback(str(address)) is address.is_loopback


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root to give a file away")
def test_a_file_of_somebody_else_is_refused(path: Path) -> None:
    gateway_token()
    os.chown(path, 65534, -1)
    with pytest.raises(InvalidInputError, match="other users") as caught:
        stored_token()
    assert "Delete" not in caught.value.hint
