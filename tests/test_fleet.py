"""A fleet: many accounts in one table, each with its own outcome."""

import asyncio
import gc
import json
import warnings
from collections.abc import Iterator

import pytest
from asking import TOKEN

import privacy_sdk as ps
from privacy_sdk.fleet import PerAccount
from privacy_sdk.testing import NextAnswer, PhoneSets, running_gateway

NAMES = ("ana", "ben", "cem")


class Counting(ps.EmulatedAccount):
    """An account that counts how many of its kind are asked at once."""

    now = most = 0

    async def fetch_privacy_settings(self) -> ps.PrivacySettingsResponse:
        Counting.now += 1
        Counting.most = max(Counting.most, Counting.now)
        await asyncio.sleep(0.005)
        Counting.now -= 1
        return await super().fetch_privacy_settings()


@pytest.fixture
def accounts() -> dict[str, ps.EmulatedAccount]:
    return {name: ps.EmulatedAccount(name) for name in NAMES}


@pytest.fixture
def gateway(accounts) -> Iterator[str]:
    with running_gateway(accounts, token=TOKEN) as url:
        yield url


@pytest.fixture
def fleet(gateway) -> Iterator[ps.Fleet]:
    with ps.Fleet(gateway, token=TOKEN) as fleet:
        yield fleet


def refuse(account: ps.EmulatedAccount, operation: str = "fetch_privacy_settings") -> None:
    event = NextAnswer("refused", operation=operation, code=406, text="no", times=9)
    asyncio.run(account.emulate(event))


def test_all_settings_of_all_accounts_are_one_table(fleet, accounts):
    asyncio.run(accounts["ben"].emulate(PhoneSets("last", "none")))
    table = fleet.fetch_privacy_settings()
    assert fleet.accounts == NAMES
    assert table["exposure"].unstack()["last"].to_dict() == {"ana": 4, "ben": 0, "cem": 4}
    alone = fleet["ana"].fetch_privacy_settings()
    assert table.loc["ana"].drop(columns="error").equals(alone)


def test_an_account_that_fails_is_a_row_and_keeps_no_other_from_being_served(fleet, accounts):
    refuse(accounts["ben"])
    table = fleet.fetch_privacy_settings()
    assert len(table) == 9 + 9 + 1
    ((name, category),) = table.index[table["error"].notna()]
    assert (name, str(category)) == ("ben", "nan")
    assert table.loc["ben", "error"].tolist() == ["WhatsApp refused: 406 no."]
    seen = fleet.visibility()
    assert (list(seen.settings), list(seen.errors)) == (["ana", "cem"], ["ben"])
    assert "  ? ben: WhatsApp refused: 406 no." in repr(seen)
    assert "<li>ben: WhatsApp refused" in seen._repr_html_()
    assert seen.to_frame()["last"].isna().to_dict() == {"ana": False, "cem": False, "ben": True}
    plans = fleet.plan({"last": "none"})
    assert (list(plans), list(plans.errors)) == (["ana", "cem"], ["ben"])
    assert plans.to_frame()["error"].notna().sum() == 1
    assert "ben" in repr(plans)


def test_a_plan_is_applied_to_each_and_taken_back(fleet, accounts):
    refuse(accounts["cem"], "set_privacy_setting")
    applied = fleet.apply(fleet.plan({"last": "none", "timer": "7d"}))
    assert {name: each.is_complete for name, each in applied.items()} == {
        "ana": True,
        "ben": True,
        "cem": False,
    }
    frame = applied.to_frame()
    assert frame.index.names == ["account", "change"]
    assert frame.loc["cem", "outcome"].tolist() == ["refused", "applied"]
    fleet.apply({name: each.undo() for name, each in applied.items()})
    assert {accounts[name].server.timer for name in NAMES} == {"0"}
    assert {accounts[name].server.settings["last"] for name in NAMES} == {"all"}


def test_an_empty_table_of_changes_keeps_its_index():
    frame = PerAccount({}, {}).to_frame()
    assert (len(frame), frame.index.names, [*frame]) == (0, ["account", "change"], ["error"])
    failed = PerAccount({}, {"ana": ps.PrivacyError("No.")})
    assert failed.to_frame()["error"].tolist() == ["No."]
    assert "1 account failed" in repr(failed)


@pytest.mark.parametrize("plans", [None, [], {"ana": "no plan"}, {"dora": ps.Plan()}])
def test_what_is_no_plan_of_its_accounts_is_refused(fleet, accounts, plans):
    with pytest.raises(ps.InvalidInputError):
        fleet.apply(plans)


@pytest.mark.parametrize("names", ["ana", ["a b"], 7, [7]])
def test_wrong_names_are_refused(names):
    with pytest.raises(ps.InvalidInputError):
        ps.Fleet("http://127.0.0.1:9", accounts=names)


def test_no_member_is_anything_else():
    with pytest.raises(ps.InvalidInputError, match="neither a gateway's address nor a client"):
        ps.Fleet(7)


def test_accounts_of_several_gateways_are_told_apart(gateway):
    others = {"ana": ps.EmulatedAccount("ana", settings={"last": "none"})}
    with (
        running_gateway(others, token=TOKEN) as other,
        ps.Fleet(gateway, other, token=TOKEN) as fleet,
    ):
        here, there = (url.removeprefix("http://") for url in (gateway, other))
        assert fleet.accounts == (f"ana@{here}", "ben", "cem", f"ana@{there}")
        assert fleet[f"ana@{there}"].fetch_privacy_settings().loc["last", "value"] == "none"


def test_a_gateway_that_is_gone_is_a_row_beside_the_others(gateway):
    with ps.Fleet(gateway, "http://127.0.0.1:9", token=TOKEN) as fleet:
        table = fleet.fetch_privacy_settings()
        assert table["error"].dropna().index.get_level_values(0).tolist() == ["127.0.0.1:9"]
        assert len(table) == 9 * 3 + 1
    with ps.Fleet("http://127.0.0.1:9") as fleet, pytest.raises(ps.NotConnectedError):
        fleet.fetch_privacy_settings()


def test_named_accounts_are_not_asked_for(gateway):
    """As behind a proxy that routes by the account in the path."""
    with ps.Fleet(gateway, accounts=["ben", "dora"], token=TOKEN) as fleet:
        table = fleet.fetch_privacy_settings()
    assert fleet.accounts == ("ben", "dora")
    assert table.loc["dora", "error"].tolist() == ["The gateway has no account of that name."]


def test_clients_of_ones_own_stay_open(gateway):
    with ps.Client.emulated() as first, ps.Client(gateway, account="ben", token=TOKEN) as second:
        with ps.Fleet(first, second, ps.AsyncClient.emulated()) as fleet:
            assert fleet.accounts == ("demo@1", "ben", "demo@3")
            assert len(fleet.fetch_privacy_settings()) == 27
        assert len(second.fetch_privacy_settings()) == 9


def test_accounts_of_a_gateway_share_its_eight_connections():
    Counting.now = Counting.most = 0
    accounts = {f"a{number}": Counting(f"a{number}") for number in range(64)}
    with running_gateway(accounts) as url, ps.Fleet(url) as fleet:
        assert len(fleet.fetch_privacy_settings()) == 64 * 9
        with fleet["a7"] as one:  # closing it leaves the connections of the others
            assert len(one.fetch_privacy_settings()) == 9
        assert len(fleet.fetch_privacy_settings()) == 64 * 9
    assert 1 < Counting.most <= 8


def test_a_fleet_that_is_not_closed_warns(gateway):
    fleet = ps.Fleet(gateway, token=TOKEN)
    fleet.visibility()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del fleet
        gc.collect()
    assert [str(each.message)[:14] for each in caught] == ["unclosed Fleet"]


def test_progress_counts_the_accounts(fleet, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    fleet.visibility()
    assert "Reading settings 3/3" in capsys.readouterr().err.replace("\x1b[0m", "").replace(
        "\x1b[32m", ""
    )


def test_the_history_of_all_accounts_is_one_table(fleet, gateway, accounts):
    with ps.Client(gateway, token=TOKEN, account="ben", name="tests") as client:
        client.set_privacy_setting("last", "none")
    table = fleet.history(category="last")
    assert table.index.names == ["account", "change"]
    assert table.loc["ben", ["from", "to", "by"]].to_numpy().tolist() == [["all", "none", "tests"]]
    assert str(table["at"].dtype) == "datetime64[us, UTC]"
    assert table["error"].isna().all()


def test_an_account_whose_history_cannot_be_read_is_a_row_with_its_error(accounts):
    class Without(ps.EmulatedAccount):
        async def history(self, **_: object) -> tuple[object, ...]:
            raise ps.NotSupportedError("What was changed is not written down.")

    with ps.Fleet(
        ps.Client.from_account(Without("ana")), ps.Client.from_account(ps.EmulatedAccount("ben"))
    ) as fleet:
        table = fleet.history()
        assert list(table["error"]) == ["What was changed is not written down."]
        assert list(table.columns)[:2] == ["at", "setting"]
        with pytest.raises(ps.UnknownNameError):
            fleet.history(category="lats")
        with pytest.raises(ps.InvalidInputError, match="still to come"):
            fleet.history("2999-01-01 00:00+00:00")
        with pytest.warns(ps.PrivacyWarning, match="taken as local time"):
            fleet.history("2026-01-01")


class TestCommand:
    @pytest.fixture(autouse=True)
    def _here(self, gateway, monkeypatch):
        monkeypatch.setenv("PRIVACY_SDK_URL", gateway)
        monkeypatch.setenv("PRIVACY_SDK_TOKEN", TOKEN)

    def run(self, capsys, *arguments: str) -> tuple[int, str, str]:
        from privacy_sdk.cli.main import main

        code = main(["--all-accounts", *arguments])
        return code, *capsys.readouterr()

    def test_show_names_the_accounts(self, capsys, accounts):
        code, out, err = self.run(capsys, "show")
        assert (code, err) == (0, "")
        assert len(out.splitlines()) == 1 + 27
        refuse(accounts["ben"])
        code, out, err = self.run(capsys, "show")
        assert code == 3
        assert err.startswith("privacy-sdk: ben: WhatsApp refused: 406 no.")
        assert len(out.splitlines()) == 1 + 18

    def test_json_has_an_entry_per_account(self, capsys, accounts):
        refuse(accounts["ben"])
        code, out, err = self.run(capsys, "show", "--json")
        assert (code, err) == (3, "")
        first, second, third = json.loads(out)["accounts"]
        assert (first["account"], second["account"], third["account"]) == ("ana", "cem", "ben")
        assert third["error"]["exit_code"] == 3
        assert (
            json.loads(self.run(capsys, "visibility", "--json")[1])["accounts"][0]["exposure"][
                "last"
            ]
            == 4
        )

    def test_visibility_is_a_picture_of_all(self, capsys):
        code, out, _ = self.run(capsys, "visibility")
        assert (code, out.splitlines()[0]) == (0, "How open 3 accounts are")

    def test_plan_and_apply_serve_all(self, capsys, tmp_path, accounts):
        policy = tmp_path / "policy.yaml"
        policy.write_text("last: none\n")
        assert self.run(capsys, "plan", str(policy))[1].startswith("3 accounts: 3 changes\n")
        code, out, _ = self.run(capsys, "apply", str(policy), "--yes")
        assert (code, out.count("applied")) == (0, 3)
        assert {each.server.settings["last"] for each in accounts.values()} == {"none"}
        refuse(accounts["ana"], "set_privacy_setting")
        policy.write_text("last: all\n")
        code, out, _ = self.run(capsys, "apply", str(policy), "--yes", "--json")
        assert code == 3
        complete = {e["account"]: e["is_complete"] for e in json.loads(out)["accounts"]}
        assert complete == {"ana": False, "ben": True, "cem": True}

    def test_history_and_check_are_of_all(self, capsys, tmp_path, accounts):
        policy = tmp_path / "policy.yaml"
        policy.write_text("last: none\n")
        assert self.run(capsys, "check", str(policy))[0] == 7
        assert self.run(capsys, "apply", str(policy), "--yes")[0] == 0
        code, out, _ = self.run(capsys, "check", str(policy), "--json")
        assert code == 0
        assert [each["is_as_wanted"] for each in json.loads(out)["accounts"]] == [True] * 3
        code, out, _ = self.run(capsys, "history", "--category", "last")
        assert code == 0
        first, *rows = [line.split()[0] for line in out.splitlines()]
        assert (first, sorted(rows)) == ("account", ["ana", "ben", "cem"])  # changed side by side
        code, out, _ = self.run(capsys, "history", "--category", "last", "--json")
        entries = {each["account"]: each["entries"] for each in json.loads(out)["accounts"]}
        assert [each[0]["after"] for each in entries.values()] == ["none"] * 3
        refuse(accounts["ben"])
        assert self.run(capsys, "check", str(policy))[0] == 3

    @pytest.mark.parametrize(
        "arguments",
        [
            ["show", "--account", "ana"],
            ["show", "--emulated"],
            ["set", "last", "none"],
            ["visibility", "+999 11 555 0101"],
        ],
    )
    def test_what_does_not_go_together_is_refused(self, capsys, arguments):
        code, out, err = self.run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
