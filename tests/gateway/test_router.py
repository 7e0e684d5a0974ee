"""Two gateways behind one address: a proxy routes by the account's path, with TLS."""

import inspect
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from asking import TOKEN, GatewayProcess, make_certificate
from commands import Command
from proxies import path_router

import privacy_sdk as ps
from privacy_sdk.cli.main import build
from privacy_sdk.testing import NextAnswer, running_gateway

PERSON = "+999 11 555 0101"


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The router's address, and the certificate to trust."""
    folder = tmp_path_factory.mktemp("router")
    cert, key = make_certificate(folder)
    with (
        running_gateway({"one": ps.EmulatedAccount("one")}, token=TOKEN) as first,
        running_gateway({"two": ps.EmulatedAccount("two")}, token=TOKEN) as second,
        path_router(
            folder, {"one": first, "two": second, "down": "http://127.0.0.1:1"}, cert, key
        ) as url,
    ):
        with ps.Client(url, token=TOKEN, account="one", ca=cert, wait=20) as client:
            client.info()
        yield url, cert


@pytest.mark.parametrize("records", [False, True])
def test_every_method_stays_below_the_accounts_path(
    router: tuple[str, Path], tmp_path: Path, records: bool
) -> None:
    url, cert = router
    record = tmp_path / "mine.yaml" if records else None
    with ps.Client(url, token=TOKEN, account="one", ca=cert, record=record) as client:
        dhash = client.set_privacy_setting("last", "contact_blacklist").dhash
        entry = ps.DisallowedListUserEntry("999000000000001@lid")
        update = ps.DisallowedListUpdate(dhash, [entry])
        calls = {
            "info": [],
            "fetch_privacy_settings": [],
            "set_privacy_setting": ["online", "all"],
            "set_privacy_disallowed_list": ["last", update],
            "fetch_disallowed_list": ["last"],
            "excluded": ["last"],
            "set_default_disappearing_mode": [604_800],
            "fetch_default_disappearing_mode": [],
            "exclude": ["profile", PERSON],
            "include": ["profile", PERSON],
            "snapshot": [],
            "plan": [{"status": "none"}],
            "visibility": [],
            "panel": [],
        }
        for name, arguments in calls.items():
            if hasattr(client, name):
                getattr(client, name)(*arguments)
        assert client.apply(client.plan({"status": "none"})).is_complete
        assert len(client.history()) > 3
        client.undo()
        assert next(client.watch(after=0)).id > 0
        client.account.emulate(NextAnswer("slow", seconds=0))
        for name in ("link_status", "unlink"):
            with pytest.raises(ps.NotSupportedError):
                getattr(client, name)()
        with pytest.raises(ps.NotSupportedError):
            client.link(timeout=1)
        assert "one" in client._repr_html_()
    others = {"history", "watch", "undo", "apply", "link", "link_status", "unlink", "close"}
    methods = {
        name
        for name, each in inspect.getmembers(ps.Client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods <= calls.keys() | others


def test_every_command_stays_below_the_accounts_path(
    router: tuple[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch
) -> None:
    url, cert = router
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", TOKEN)
    run = Command(capsys)
    policy = tmp_path / "policy.yaml"
    policy.write_text("last: none\n")
    where = ["--url", url, "--cafile", str(cert)]
    commands = {
        "show": [],
        "set": ["online", "all"],
        "timer": ["7d"],
        "excluded": ["profile"],
        "exclude": ["profile", PERSON],
        "include": ["profile", PERSON],
        "plan": [str(policy)],
        "apply": [str(policy), "--yes"],
        "snapshot": [],
        "visibility": [],
        "history": [],
        "doctor": [],
    }
    elsewhere = {
        "undo",
        "watch",
        "check",
        "replay",
        "app",
        "link",
        "unlink",
        "demo",
        "record",
        "cassette",
        "gateway",
    }
    names = build().commands.keys() - elsewhere
    for name in sorted(names, key=list(commands).index):
        code, out, err = run(name, *commands[name], "--json", "--account", "two", *where)
        assert (code, err) == (0, ""), name
        json.loads(out)
    for name in ("link", "unlink"):
        assert run(name, "two", *where)[0] == 3


def test_what_the_router_does_not_reach_is_said_as_not_connected(
    router: tuple[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    url, cert = router
    with (
        ps.Client(url, token=TOKEN, account="down", ca=cert) as client,
        pytest.raises(ps.NotConnectedError, match=r"A proxy at .* answers 502"),
    ):
        client.fetch_privacy_settings()
    monkeypatch.setenv("PRIVACY_SDK_CA", str(cert))
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", TOKEN)
    assert Command(capsys)("show", "--url", url, "--account", "down")[0] == 4


@pytest.mark.parametrize("records", [False, True])
def test_plain_http_at_its_tls_port_is_said_as_such(
    router: tuple[str, Path], tmp_path: Path, records: bool
) -> None:
    url = router[0].replace("https:", "http:")
    record = tmp_path / "mine.yaml" if records else None
    with (
        ps.Client(url, token=TOKEN, account="one", record=record) as client,
        pytest.raises(ps.NotConnectedError, match="speaks TLS, not plain http"),
    ):
        client.info()


def test_a_fleet_over_gateways_of_their_own_has_all_their_histories(
    router: tuple[str, Path], tmp_path: Path, monkeypatch
) -> None:
    """As deploy/ describes it: a gateway and a journal for each account, one address for all."""
    cert, key = router[1], router[1].with_name("key.pem")
    monkeypatch.setenv("PRIVACY_SDK_CA", str(cert))
    with ExitStack() as end:
        urls = {}
        for name in ("ana", "ben"):
            monkeypatch.setenv("PRIVACY_SDK_DATA_DIR", str(tmp_path / name))
            gateway = GatewayProcess(token=TOKEN, account=name)
            end.callback(gateway.close)
            urls[name] = gateway.url
        folder = tmp_path / "nginx"
        folder.mkdir()
        url = end.enter_context(path_router(folder, urls, cert, key))
        with ps.Client(url, token=TOKEN, account="ana", wait=20, name="tests") as client:
            client.set_privacy_setting("last", "none")
        with ps.Fleet(url, accounts=["ana", "ben", "cem"], token=TOKEN) as fleet:
            assert fleet.fetch_privacy_settings()["exposure"].unstack()["last"].tolist()[:2] == [
                0,
                4,
            ]
            table = fleet.history(category="last")
            assert table.loc["ana", ["to", "by"]].to_numpy().tolist() == [["none", "tests"]]
            assert "cem" in table[table["error"].notna()].index
            for entry in fleet["ana"].watch(after=0):
                if entry.by == "tests":
                    break
    kept = sorted(tmp_path.glob("*/journal.sqlite"))
    assert [path.parent.name for path in kept] == ["ana", "ben"]
