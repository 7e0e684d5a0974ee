"""What was changed, when and by whom; the last change taken back; the settings of a moment."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from asking import TOKEN

import privacy_sdk as ps
from privacy_sdk.accounts.journal import MemoryJournal
from privacy_sdk.gateway.journal import NoJournal, SqlJournal
from privacy_sdk.model.history import HistoryEntry
from privacy_sdk.testing import NextAnswer, PhoneLists, PhoneSets, running_gateway

ANA, BEN = "+999 11 555 0101", "+999 11 555 0102"
ELSEWHERE = "phone or elsewhere"


@pytest.fixture(params=["here", "gateway"])
def client(request) -> Iterator[ps.Client]:
    account = ps.EmulatedAccount("demo")
    if request.param == "here":
        yield ps.Client.from_account(account)
    else:
        with running_gateway({"demo": account}) as url, ps.Client(url, name="tests") as client:
            yield client


def made(client: ps.Client) -> pd.DataFrame:
    """What was changed, without the start of the account."""
    table = client.history()
    return table[table["by"] != "gateway"]


def values(client: ps.Client) -> dict[str, str]:
    return client.fetch_privacy_settings()["value"].to_dict()


def test_a_change_is_a_row_with_its_maker(client):
    started = datetime.now(UTC)
    client.set_privacy_setting("last", "none")
    client.set_default_disappearing_mode(604_800)
    table = made(client)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {
        "at": "datetime64[us, UTC]",
        **dict.fromkeys(["setting", "category", "from", "to", "by", "outcome"], "str"),
    }
    assert table[["setting", "from", "to", "outcome"]].to_numpy().tolist() == [
        ["Last seen", "all", "none", "applied"],
        ["Disappearing messages", "0", "604800", "applied"],
    ]
    assert table["category"].isna().tolist() == [False, True]
    assert started - timedelta(seconds=5) < table["at"].min() <= datetime.now(UTC)
    assert len(client.history(category="last")) == 1
    assert len(client.history(since=started)) == 2
    assert ps.Client.emulated().history().dtypes.equals(table.dtypes)


def test_a_client_says_who_it_is(client, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/Mein Heft ü.ipynb")
    client.set_privacy_setting("last", "none")
    over_http = "tests" in repr(made(client)["by"].tolist())
    assert made(client)["by"].tolist() == ["tests" if over_http else "Mein Heft ü.ipynb"]
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, ps.Client(url) as other:
        other.set_privacy_setting("last", "none")
        assert made(other)["by"].tolist() == ["Mein Heft ü.ipynb"]


def test_what_the_phone_does_is_noticed_between_two_readings(client):
    client.fetch_privacy_settings()
    client.account.emulate(PhoneSets("last", "none"))
    client.fetch_privacy_settings()
    client.fetch_privacy_settings()
    table = made(client)
    assert table[["from", "to", "by", "outcome"]].to_numpy().tolist() == [
        ["all", "none", ELSEWHERE, "noticed"]
    ]


async def test_a_noticed_change_says_between_when_it_was():
    client = ps.AsyncClient.emulated()
    await client.fetch_privacy_settings()
    before = datetime.now(UTC)
    await client.account.emulate(PhoneSets("last", "none"))
    await client.fetch_privacy_settings()
    (entry,) = await client.history()
    assert entry.since <= before <= entry.at


def test_people_of_a_list_are_noticed(client):
    client.exclude("last", ANA)
    client.excluded("last")
    entry = ps.DisallowedListUserEntry("999000000000002@lid")
    client.account.emulate(PhoneLists("last", [entry]))
    client.excluded("last")
    last = made(client).iloc[-1]
    assert last[["setting", "from", "to", "by"]].tolist() == [
        "Last seen (excepted)",
        "1",
        "2",
        ELSEWHERE,
    ]


def test_a_refused_change_is_one_and_not_the_phones(client):
    client.fetch_privacy_settings()
    client.account.emulate(NextAnswer("not_applied", category="last"))
    with pytest.raises(ps.NotAppliedError):
        client.set_privacy_setting("last", "none")
    client.account.emulate(
        NextAnswer("refused", operation="set_privacy_setting", code=406, text="no")
    )
    with pytest.raises(ps.IqError):
        client.set_privacy_setting("last", "none")
    client.fetch_privacy_settings()
    assert made(client)["outcome"].tolist() == ["refused", "refused"]


def test_a_lost_answer_leaves_an_unknown_row(client):
    client.account.emulate(NextAnswer("lost", operation="set_privacy_setting"))
    client.set_privacy_setting("last", "none")  # read back, and found to be made
    assert made(client)["outcome"].tolist()[-1] in ("unknown", "noticed")
    assert "unknown" in made(client)["outcome"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda client: client.set_privacy_setting("last", "none"),
        lambda client: client.set_default_disappearing_mode(604_800),
        lambda client: client.exclude("profile", [ANA, BEN]),
        lambda client: client.include("groupadd", ANA),
        lambda client: client.set_privacy_setting("groupadd", "none"),
        lambda client: client.apply(client.plan(ps.policies.MAXIMUM)),
    ],
    ids=["set", "timer", "exclude", "include", "leave the list", "apply"],
)
def test_the_last_change_is_taken_back_as_a_whole(client, change):
    client.exclude("groupadd", [ANA, BEN])
    client.excluded("groupadd")
    before = client.snapshot()
    change(client)
    assert client.snapshot() != before
    assert client.apply(client.undo()).is_complete
    assert not client.plan(before)


def test_undo_goes_further_back_each_time(client):
    client.set_privacy_setting("last", "none")
    client.set_privacy_setting("online", "match_last_seen")
    applied = client.apply(client.undo())
    assert (values(client)["last"], values(client)["online"]) == ("none", "all")
    client.apply(client.undo())
    assert values(client)["last"] == "all"
    with pytest.raises(ps.errors.UsageError, match="no change to take back"):
        client.undo()
    assert applied.is_complete


def test_what_was_set_so_already_is_no_change_to_take_back(client):
    client.set_privacy_setting("last", "none")
    client.set_privacy_setting("last", "none")
    client.set_default_disappearing_mode(0)
    client.apply(client.undo())
    assert values(client)["last"] == "all"


def test_the_undo_of_a_list_says_how_many_are_excepted(client):
    client.exclude("profile", [ANA, BEN])
    assert "2 people             0 people" in str(client.undo())
    client.include("profile", ANA)
    assert "1 person  2 people" in str(client.undo())


def test_what_a_result_takes_back_counts_as_taken_back(client):
    client.set_privacy_setting("last", "none")
    applied = client.apply(client.plan({"online": "match_last_seen"}))
    client.apply(applied.undo())
    client.apply(client.undo())
    assert values(client)["last"] == "all"


def test_what_was_changed_since_is_not_overwritten(client):
    client.set_privacy_setting("last", "none")
    client.account.emulate(PhoneSets("last", "contacts"))
    with pytest.raises(ps.errors.OutdatedPlanError, match="'last' was 'none', and is 'contacts'"):
        client.undo()
    client.exclude("profile", [ANA, BEN])
    client.account.emulate(
        PhoneLists("profile", [ps.DisallowedListUserEntry("999000000000001@lid", None, "remove")])
    )
    with pytest.raises(ps.errors.OutdatedPlanError, match="for 1 person of those"):
        client.undo()
    assert values(client)["last"] == "contacts"


def test_the_settings_of_a_moment_come_back(client):
    client.exclude("groupadd", [ANA, BEN])
    client.excluded("groupadd")
    client.set_default_disappearing_mode(86_400)
    then, before = datetime.now(UTC), client.snapshot()
    time.sleep(0.002)
    client.set_privacy_setting("groupadd", "none")
    client.set_default_disappearing_mode(0)
    client.account.emulate(PhoneSets("last", "none"))
    client.fetch_privacy_settings()
    assert client.snapshot(then) == before
    assert client.snapshot() != before


@pytest.mark.parametrize(
    "when", ["tomorrow", "", 7, "2999-01-01", "0001-01-01T00:00+23:00", datetime.max, []]
)
def test_what_is_no_time_of_the_past_is_refused(when):
    client = ps.Client.emulated()
    with pytest.raises(ps.InvalidInputError):
        client.history(since=when)
    with pytest.raises(ps.InvalidInputError):
        client.snapshot(at=when)


def test_an_unknown_category_is_refused():
    with pytest.raises(ps.UnknownNameError):
        ps.Client.emulated().history(category="lsat")


def test_nothing_is_known_of_before_an_emulated_account_began():
    with running_gateway({"demo": ps.EmulatedAccount()}) as url, ps.Client(url) as client:
        with pytest.raises(ps.InvalidInputError, match="started anew"):
            client.snapshot(datetime.now(UTC) - timedelta(hours=1))
        assert client.history()[["setting", "by"]].to_numpy().tolist() == [
            ["Account started", "gateway"]
        ]


def journal_gateway(account: ps.EmulatedAccount, journal):
    """A gateway in this process, asked without sockets."""
    import httpx2

    from privacy_sdk.accounts.http import HttpAccount
    from privacy_sdk.gateway import create_app

    app = create_app({"demo": account}, token=None, journal=journal)
    transport = httpx2.ASGITransport(app)
    return ps.AsyncClient.from_account(
        HttpAccount("http://127.0.0.1", account="demo", transport=transport)
    )


async def test_a_journal_is_there_for_the_next_gateway(tmp_path: Path):
    for value in ("none", "contacts"):
        journal = SqlJournal(path=tmp_path / "journal.sqlite")
        client = journal_gateway(ps.EmulatedAccount("demo"), journal)
        await client.set_privacy_setting("last", value)
        await journal.aclose()
    journal = SqlJournal(path=tmp_path / "journal.sqlite")
    client = journal_gateway(ps.EmulatedAccount("demo"), journal)
    assert [entry.after for entry in await client.history()] == ["none", "contacts"]
    await journal.aclose()


async def test_a_long_history_comes_in_pages():
    journal = MemoryJournal()
    for number in range(2_500):
        entry = HistoryEntry(0, datetime.now(UTC), "timer", after=str(number), outcome="applied")
        await journal.add("demo", entry)
    client = journal_gateway(ps.EmulatedAccount("demo"), journal)
    assert [int(entry.after) for entry in await client.history()] == list(range(2_500))


async def test_without_a_journal_that_is_said():
    client = journal_gateway(ps.EmulatedAccount("demo"), NoJournal())
    await client.set_privacy_setting("last", "none")
    with pytest.raises(ps.NotSupportedError, match="keeps no journal"):
        await client.history()


class Failing(MemoryJournal):
    async def add(self, account: str, entry: HistoryEntry) -> int:
        raise ps.PrivacyError("The disk is full.")


async def test_a_journal_that_fails_loses_no_change(caplog):
    account = ps.EmulatedAccount("demo")
    client = journal_gateway(account, Failing())
    await client.set_privacy_setting("last", "none")
    assert account.server.settings["last"] == "none"
    assert "is not in the journal: The disk is full." in caplog.text


def test_a_recorded_history_names_nobody(tmp_path: Path):
    path = tmp_path / "history.yaml"
    with (
        running_gateway({"demo": ps.EmulatedAccount()}) as url,
        ps.Client(url, record=path, name="12345678 of somebody") as client,
    ):
        client.exclude("last", "+999 11 555 0103")
        client.set_default_disappearing_mode(604_800)
        table = client.history()
    text = path.read_text()
    assert "12345678" not in text
    with ps.Client.replay(path) as again:
        again.exclude("last", "+999 11 555 0103")
        again.set_default_disappearing_mode(604_800)
        assert again.history()["to"].tolist() == table["to"].tolist()


class TestCommand:
    @pytest.fixture(autouse=True)
    def _gateway(self, monkeypatch) -> Iterator[None]:
        with running_gateway({"demo": ps.EmulatedAccount()}, token=TOKEN) as url:
            monkeypatch.setenv("PRIVACY_SDK_URL", url)
            monkeypatch.setenv("PRIVACY_SDK_TOKEN", TOKEN)
            yield

    def run(self, capsys, *arguments: str) -> tuple[int, str, str]:
        from privacy_sdk.cli.main import main

        code = main(list(arguments))
        return code, *capsys.readouterr()

    def test_history_lists_and_undo_takes_back(self, capsys):
        assert self.run(capsys, "set", "last", "none")[0] == 0
        code, out, err = self.run(capsys, "history")
        assert (code, err) == (0, "")
        assert out.splitlines()[-1].split()[2:6] == ["Last", "seen", "all", "none"]
        entries = json.loads(self.run(capsys, "history", "--category", "last", "--json")[1])
        assert [entry["after"] for entry in entries["entries"]] == ["none"]
        code, out, _ = self.run(capsys, "undo", "--yes")
        assert (code, "1 applied" in out) == (0, True)
        code, out, err = self.run(capsys, "undo", "--yes")
        assert (code, out) == (1, "")
        assert "There is no change to take back." in err
        assert self.run(capsys, "undo")[0] == 2

    def test_check_says_by_its_code_whether_the_account_has_drifted(self, capsys, tmp_path):
        policy = tmp_path / "policy.yaml"
        policy.write_text("last: all\n")
        assert self.run(capsys, "check", str(policy))[0] == 0
        policy.write_text("last: none\n")
        code, out, _ = self.run(capsys, "check", str(policy))
        assert (code, out.startswith("Plan of 1 change")) == (7, True)
        code, out, _ = self.run(capsys, "check", str(policy), "--json")
        assert (code, json.loads(out)["is_as_wanted"]) == (7, False)

    def test_a_snapshot_of_a_moment(self, capsys):
        then = datetime.now(UTC).isoformat()
        self.run(capsys, "set", "last", "none")
        assert "last: all" in self.run(capsys, "snapshot", "--at", then)[1]
        code, out, err = self.run(capsys, "snapshot", "--at", "2999-01-01")
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_bad_journal_keeps_the_gateway_from_starting(capsys, tmp_path, monkeypatch):
    from privacy_sdk.cli.main import main

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "privacy-sdk"
    folder.mkdir(mode=0o700)
    (folder / "journal.sqlite").write_bytes(b"no database at all, but long enough" * 99)
    (folder / "journal.sqlite").chmod(0o600)
    assert main(["gateway", "--port", "0"]) == 1
    err = capsys.readouterr().err
    assert "file is not a database" in err
    assert "--journal off" in err


def test_without_a_home_the_gateway_keeps_its_journal_in_memory(tmp_path, monkeypatch, caplog):
    from privacy_sdk.gateway.server import _journal

    nowhere = tmp_path / "file"
    nowhere.touch()
    monkeypatch.setenv("PRIVACY_SDK_DATA_DIR", str(nowhere / "folder"))
    assert isinstance(_journal(None, None), MemoryJournal)
    assert "no journal is kept beyond this run" in caplog.text


def test_a_time_without_a_zone_is_local_and_that_is_said(client, monkeypatch):
    client.set_privacy_setting("last", "none")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        now = datetime.now(UTC).replace(tzinfo=None)  # nine hours ago in Tokyo
        with pytest.warns(ps.PrivacyWarning, match=r"taken as local time: \S+ \S+\+0900") as caught:
            assert len(client.history(now)) == len(client.history())
        assert len(caught) == 1
        assert caught[0].filename == __file__
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(client.history(datetime.now(UTC))) == 0
    with pytest.warns(ps.PrivacyWarning, match="taken as local time"):
        client.snapshot(datetime.now())


@pytest.mark.parametrize("method", ["history", "snapshot"])
def test_a_time_to_come_is_refused_with_the_time_that_it_is(client, method):
    soon = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(ps.InvalidInputError, match=r"still to come\.\nNow is \d{4}-"):
        getattr(client, method)(soon)


def test_a_category_that_is_not_known_is_refused(client):
    with pytest.raises(ps.UnknownNameError, match="Did you mean 'last'"):
        client.history(category="lats")
    assert len(client.history(category=ps.PrivacyCategory("new"))) == 0


def test_a_client_name_is_text():
    with pytest.raises(ps.InvalidInputError):
        ps.Client("http://127.0.0.1:9", name=7)


def test_what_an_emulated_account_keeps_is_bounded():
    journal = MemoryJournal()

    async def fill() -> list[HistoryEntry]:
        for _ in range(10_010):
            await journal.add("demo", HistoryEntry(0, datetime.now(UTC), "timer"))
        await journal.complete(1, "applied", "")
        await journal.complete(10_010, "applied", "")
        return await journal.read("demo", limit=20_000)

    entries = asyncio.run(fill())
    assert (len(entries), entries[0].id, entries[-1].outcome) == (10_000, 11, "applied")
