"""Cassettes are vcrpy's: they go both ways."""

import httpx2
import pytest
import vcr
from recording_tools import TOKEN

from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.cassettes.file import HEADER
from privacy_sdk.sync import Client
from privacy_sdk.testing import running_gateway

pytest_plugins = ["pytester"]

ADDRESS = "http://127.0.0.1:8480/v1/accounts/demo"


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A cassette that this package recorded from a gateway that is gone."""
    path = tmp_path_factory.mktemp("ours") / "test_settings.yaml"
    with (
        running_gateway({"demo": EmulatedAccount()}, token=TOKEN) as url,
        Client(url, token=TOKEN, account="demo", record=path) as client,
    ):
        client.fetch_privacy_settings()
        for value in ("contacts", "none"):
            client.set_privacy_setting("last", value)
            client.fetch_privacy_settings()
    return path


def test_plain_vcrpy_plays_what_we_recorded(ours):
    match_on = ["method", "scheme", "host", "port", "path", "query", "body"]
    with (
        vcr.use_cassette(str(ours), record_mode="none", match_on=match_on) as cassette,
        httpx2.Client() as http,
    ):
        first = http.get(f"{ADDRESS}/privacy").json()
        for value in ("none", "contacts"):
            http.put(f"{ADDRESS}/privacy/last", json={"value": value}).raise_for_status()
        again = [http.get(f"{ADDRESS}/privacy").json() for _ in range(2)]
        assert cassette.all_played
    assert [settings["settings"][0]["value"] for settings in (first, *again)] == [
        "all",
        "contacts",
        "none",
    ]


def test_pytest_recording_plays_what_we_recorded_with_the_network_blocked(
    ours, pytester, monkeypatch
):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    folder = pytester.mkdir("cassettes") / "test_theirs"
    folder.mkdir()
    (folder / ours.name).write_bytes(ours.read_bytes())
    pytester.makepyfile(
        test_theirs=f'''
        import httpx2, pytest

        @pytest.mark.vcr
        @pytest.mark.block_network
        def test_settings(vcr):
            with httpx2.Client() as http:
                settings = http.get("{ADDRESS}/privacy").json()["settings"]
                assert settings[0] == {{"category": "last", "value": "all"}}
                assert vcr.play_count == 1

        @pytest.mark.block_network
        def test_the_network_is_blocked():
            with httpx2.Client() as http, pytest.raises(RuntimeError, match="Network is disabled"):
                http.get("{ADDRESS}/privacy")
        '''
    )
    pytester.runpytest_subprocess("-p", "pytest_recording.plugin").assert_outcomes(passed=2)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A cassette that plain vcrpy recorded from a gateway that is gone."""
    path = tmp_path_factory.mktemp("theirs") / "theirs.yaml"
    with (
        running_gateway({"demo": EmulatedAccount()}, token=TOKEN) as url,
        vcr.use_cassette(str(path), record_mode="once", filter_headers=["authorization"]),
        httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as http,
    ):
        for request in (
            ("GET", "privacy", None),
            ("PUT", "privacy/last", {"value": "contacts"}),
            ("GET", "privacy", None),
        ):
            method, address, body = request
            http.request(method, f"/v1/accounts/demo/{address}", json=body).raise_for_status()
    return path


def test_we_play_what_plain_vcrpy_recorded(theirs):
    assert not theirs.read_text().startswith(HEADER)
    with Client.replay(theirs) as client:
        assert client.fetch_privacy_settings().loc["last", "value"] == "all"
        client.set_privacy_setting("last", "contacts")


def test_the_gateway_that_was_recorded_from_is_gone(ours, theirs):
    """Else the tests above could pass by asking it."""
    with httpx2.Client() as http, pytest.raises(httpx2.ConnectError):
        http.get(f"{ADDRESS}/privacy")
