"""The fixture for users' own tests, in a test run of its own."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points

import pandas  # noqa: F401  which a run would import, forget, and fail to import again
import pytest

from privacy_sdk import pytest_plugin
from privacy_sdk.accounts.emulated.account import EmulatedAccount
from privacy_sdk.cassettes.file import recording_path
from privacy_sdk.sync import Client
from privacy_sdk.testing import running_gateway

pytest_plugins = ["pytester"]

FETCH = """
    def test_fetch(privacy_client):
        settings = privacy_client.fetch_privacy_settings()
        assert settings.loc["last", "value"] == "all"
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs tests in a run of their own, with our plugin and others that are named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*arguments, plugins=("privacy_sdk.pytest_plugin",)):
        chosen = [part for plugin in plugins for part in ("-p", plugin)]
        return pytester.runpytest_inprocess(*chosen, "--strict-markers", "-W", "error", *arguments)

    return run


@pytest.fixture
def record(run, monkeypatch):
    """Runs tests that record, beside a gateway."""

    def record(*arguments):
        with running_gateway({"demo": EmulatedAccount()}) as url:
            monkeypatch.setenv("PRIVACY_SDK_URL", url)
            return run("--privacy-record", *arguments)

    return record


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """What a recorded FETCH looks like."""
    path = tmp_path_factory.mktemp("fetched") / "test_fetch.yaml"
    with running_gateway({"demo": EmulatedAccount()}) as url, Client(url, record=path) as client:
        client.fetch_privacy_settings()
    return path.read_bytes()


@pytest.fixture
def recorded(pytester, fetched):
    """Beside a test module, the recording of its test_fetch."""
    path = pytester.path / "cassettes" / "test_mine" / "test_fetch.privacy.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(fetched)


def test_a_test_records_once_and_then_replays_with_the_gateway_gone(pytester, run, record):
    pytester.makepyfile(test_mine=FETCH)
    record().assert_outcomes(passed=1)
    cassette = pytester.path / "cassettes" / "test_mine" / "test_fetch.privacy.yaml"
    content = cassette.read_bytes()
    run().assert_outcomes(passed=1)
    run("--privacy-record").assert_outcomes(passed=1)
    assert cassette.read_bytes() == content


def test_without_a_recording_the_test_says_how_to_make_one(pytester, run, record):
    pytester.makepyfile(**{"my tests/test_mine": FETCH})
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_fetch.privacy.yaml is not there.*"])
    (line,) = {line for line in result.outlines if "Record it: " in line and line.startswith("E")}
    command = shlex.split(line.partition("Record it: ")[2])
    assert command[:2] == ["pytest", "--privacy-record"]
    record(*command[2:]).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_test_that_asks_nothing_is_fine_both_ways(pytester, run, record):
    pytester.makepyfile(test_mine="def test_nothing(privacy_client): pass")
    record().assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)
    assert not list(pytester.path.rglob("*.yaml"))


def test_module_and_session_share_a_recording_and_an_async_client_has_one(pytester, run, record):
    pytester.makepyfile(
        test_mine="""
        import asyncio

        def test_first(module_privacy_client, session_privacy_client):
            assert module_privacy_client.fetch_privacy_settings().loc["last", "value"] == "all"
            session_privacy_client.info()

        def test_second(module_privacy_client, session_privacy_client):
            module_privacy_client.set_privacy_setting("last", "none")
            session_privacy_client.fetch_privacy_settings()

        def test_third(async_privacy_client):
            async def last():
                async with async_privacy_client as client:
                    return (await client.fetch_privacy_settings()).get_value("last")

            assert asyncio.run(last()) == "none"
        """
    )
    record().assert_outcomes(passed=3)
    run().assert_outcomes(passed=3)
    run("-k", "first").assert_outcomes(passed=1, deselected=2)
    files = {path.relative_to(pytester.path) for path in pytester.path.rglob("*.privacy.yaml")}
    assert len(files) == 3


def test_it_refuses_to_run_beside_vcr_on_one_test(pytester, record):
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.vcr
        def test_both(privacy_client):
            privacy_client.fetch_privacy_settings()
        """
    )
    result = record("-p", "pytest_recording.plugin")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*privacy_client and vcr do not go together on one test*"])
    assert not (pytester.path / "cassettes").exists()


def test_an_exchange_that_is_never_played_fails_the_test(pytester, run, recorded):
    pytester.makepyfile(test_mine="def test_fetch(privacy_client): pass")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*holds exchanges that the test did not play:", "*the settings", "*delete it and run*"]
    )


def test_a_test_that_fails_shows_its_own_failure(pytester, run, recorded):
    pytester.makepyfile(test_mine="def test_fetch(privacy_client): assert 1 == 2")
    result = run()
    result.assert_outcomes(failed=1)
    assert "did not play" not in result.stdout.str()


def test_an_exchange_that_is_not_recorded_fails_the_test(pytester, run, recorded):
    pytester.makepyfile(
        test_mine=FETCH + '        privacy_client.set_privacy_setting("last", "none")\n'
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NotRecordedError*does not have the change of last → nobody*"])


def test_the_network_is_blocked_while_a_test_replays_and_not_after(pytester, run, recorded):
    connects = """
        import socket
        import pytest

        def test_fetch(privacy_client):
            privacy_client.fetch_privacy_settings()
            for connect in (socket.socket.connect, socket.socket.connect_ex):
                with socket.socket() as sock, pytest.raises(RuntimeError, match="is blocked"):
                    connect(sock, ("127.0.0.1", 1))

        def test_other():
            with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
                sock.connect(("127.0.0.1", 1))
    """
    pytester.makepyfile(test_mine=connects)
    run().assert_outcomes(passed=2)


def test_a_marked_test_replays_the_recording_it_names(pytester, run, recorded):
    pytester.makepyfile(
        test_mine="""
        import pytest

        class TestShared:
            @pytest.mark.privacy_cassette("cassettes/test_mine/test_fetch.privacy.yaml")
            def test_path(self, privacy_client):
                privacy_client.fetch_privacy_settings()

            @pytest.mark.privacy_cassette("nonesuch")
            def test_name(self, privacy_client):
                pass

            @pytest.mark.privacy_cassette
            def test_nothing(self, privacy_client):
                pass
        """
    )
    result = run("--privacy-record")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*There is no recording 'nonesuch'*"])
    result.stdout.fnmatch_lines(["*privacy_cassette takes the name or path of one recording*"])


def test_each_test_of_a_class_and_each_parameter_has_a_recording_of_its_own(pytester, record):
    pytester.makepyfile(
        test_mine="""
        import pytest

        class TestIt:
            @pytest.mark.parametrize("value", ["all", "a/b", "a-b", "A-B", "x" * 300, "a:b?*"])
            def test_set(self, privacy_client, value):
                privacy_client.fetch_privacy_settings()

            class TestInner:
                def test_set(self, privacy_client):
                    privacy_client.fetch_privacy_settings()

        def test_set(privacy_client):
            privacy_client.fetch_privacy_settings()
        """
    )
    record().assert_outcomes(passed=8)
    names = [path.name for path in (pytester.path / "cassettes" / "test_mine").iterdir()]
    assert len({name.lower() for name in names}) == 8
    for name in names:
        assert re.fullmatch(r"[a-z0-9_.-]{1,100}", name)
        assert name.endswith(".privacy.yaml")


def test_it_lives_beside_pytest_recording_which_has_files_of_its_own(pytester, run, recorded):
    pytester.makepyfile(
        test_mine=FETCH
        + """
        import httpx2, pytest

        @pytest.mark.vcr("test_fetch.privacy.yaml")
        @pytest.mark.block_network
        def test_theirs():
            with httpx2.Client() as http:
                assert http.get("http://127.0.0.1:8480/v1/accounts").json()["accounts"]
        """.replace("\n    ", "\n")
    )
    both = ("privacy_sdk.pytest_plugin", "pytest_recording.plugin")
    run(plugins=both).assert_outcomes(passed=2)
    run("--record-mode=none", "--block-network", plugins=both).assert_outcomes(passed=2)


def test_the_plugin_is_found_by_its_entry_point():
    (entry,) = entry_points(group="pytest11", name="privacy_sdk")
    assert entry.load() is pytest_plugin


def test_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, privacy_sdk.pytest_plugin; "
        "print([m for m in ('httpx2', 'vcr', 'pandas', 'yaml', 'asyncio') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (loaded.stdout.strip(), loaded.stderr) == ("[]", "")


def test_bundled_recordings_can_be_marked_by_name(pytester, run):
    recording_path("tour")
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.privacy_cassette("tour")
        def test_a_part(privacy_client):
            privacy_client.fetch_privacy_settings()

        @pytest.mark.privacy_cassette("tour", allow_unplayed=True)
        def test_allowed(privacy_client):
            privacy_client.fetch_privacy_settings()
        """
    )
    result = run()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(['*privacy_cassette("tour", allow_unplayed=True)*'])
    assert "delete it" not in result.stdout.str()
