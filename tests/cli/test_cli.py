"""What the command line prints, and the code that it ends with."""

import json
import re
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asking import TOKEN
from commands import Command

import privacy_sdk as ps
from privacy_sdk.cli import main as cli
from privacy_sdk.cli import output
from privacy_sdk.cli.main import FIRST_STEPS

NUMBER = "999115550101"


def test_without_arguments_it_shows_what_to_do_first(run: Command) -> None:
    assert run.out() == FIRST_STEPS
    for line in re.findall("privacy-sdk [a-z]+", FIRST_STEPS):
        assert line.split()[1] in cli.build().commands


def test_help_names_every_command_and_exit_code(run: Command) -> None:
    shown = run.out("--help")
    for name in ("demo", "show", "set", "excluded", "timer", "gateway", "doctor"):
        assert re.search(rf"│ {name} ", shown)
    words = " ".join(shown.split())
    for code, meaning in output.EXIT_CODES.values():
        assert f"{code} {meaning}" in words


def test_every_command_has_help(run: Command) -> None:
    for name in cli.build().commands:
        assert f"privacy-sdk {name}" in run.out(name, "-h")


def test_version_is_that_of_the_package(run: Command) -> None:
    assert run.out("--version") == f"privacy-sdk {ps.__version__}"


def test_show_prints_a_row_for_each_setting(run: Command, gateway: str) -> None:
    header, *rows = run.out("show").splitlines()
    assert header.split() == ["category", "setting", "value", "audience"]
    assert rows[0].split() == ["last", "Last", "seen", "all", "everyone"]
    assert len(rows) == 9


def test_show_in_json_has_what_a_script_needs(run: Command, gateway: str) -> None:
    shown = run.json("show")
    assert shown["account"] == "demo"
    assert shown["settings"][1] == {
        "category": "online",
        "setting": "Online",
        "value": "all",
        "audience": "everyone",
        "allowed": ["all", "match_last_seen"],
    }


def test_set_changes_a_setting_and_says_what_it_was(run: Command, gateway: str) -> None:
    assert run.out("set", "last", "contacts") == "Last seen: my contacts (was: everyone)"
    assert run.json("set", "last", "none") == {
        "category": "last",
        "before": "contacts",
        "value": "none",
        "dhash": None,
        "exceptions_lost": 0,
    }
    assert run.json("show")["settings"][0]["value"] == "none"


def test_set_says_what_becomes_of_exceptions(run: Command, gateway: str) -> None:
    run.out("exclude", "last", f"+{NUMBER}", "999000000000002@lid")
    assert run.out("set", "Last seen", "Everyone").splitlines() == [
        "Last seen: everyone (was: my contacts except…)",
        "Its exceptions are lost (2 people); set back to 'my contacts except…', none are left.",
    ]
    assert run.out("set", "last", "my contacts except...").splitlines() == [
        "Last seen: my contacts except… (was: everyone)",
        "Its list is empty: nobody is excepted.",
    ]
    run.out("exclude", "last", f"+{NUMBER}")
    assert run.json("set", "last", "none")["exceptions_lost"] == 1


def test_list_masks_numbers_unless_asked(run: Command, gateway: str) -> None:
    assert run.out("excluded", "last") == "Last seen: nobody is excepted."
    with ps.Client(gateway) as client:
        client.exclude("last", f"+{NUMBER}")
    assert NUMBER not in run.out("excluded", "last") + json.dumps(run.json("excluded", "last"))
    assert f"{NUMBER}@s.whatsapp.net" in run.out("excluded", "last", "--show-numbers")
    shown = run.json("excluded", "last", "--show-numbers")
    assert shown["users"] == [{"jid": "999000000000001@lid", "pn_jid": f"{NUMBER}@s.whatsapp.net"}]
    assert shown["dhash"]


def test_timer_shows_and_sets(run: Command, gateway: str) -> None:
    assert run.out("timer") == "Disappearing messages in new chats: off"
    assert run.out("timer", "7d") == "Disappearing messages in new chats: 7 days (was: off)"
    assert run.json("timer", "off") == {"duration": 0, "before": 604_800}
    assert run.json("timer") == {"duration": 0}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 604_800),
        ("24h", 86_400),
        ("90m", 5_400),
        ("2w", 1_209_600),
        ("90s", 90),
        ("off", 0),
        ("0", 0),
        ("86400", 86_400),
        (" 7D ", 604_800),
        ("7days", 604_800),
        ("24 hours", 86_400),
        ("4294967295", 2**32 - 1),
    ],
)
def test_durations_are_written_as_people_write_them(run: Command, text: str, seconds: int) -> None:
    assert run.json("timer", text, "--emulated")["duration"] == seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7dd", ""),
        ("of", "Did you mean 'off'?"),
        ("3 months", "Months and years have no fixed length: say how many days."),
        ("3mo", "Months and years have no fixed length: say how many days."),
        ("1y", "Months and years have no fixed length: say how many days."),
        ("soon", ""),
        ("", ""),
        ("1.5d", ""),
        ("-5", ""),
        ("٧d", ""),
        ("2³²", ""),
    ],
)
def test_other_durations_are_refused_with_what_is_possible(
    run: Command, text: str, told: str
) -> None:
    code, error = run.error("timer", "--emulated", "--", text)
    assert code == 2
    assert f"is not a duration. {told}".rstrip() in error
    assert error.endswith("seconds; WhatsApp itself offers off, 24 hours, 7 days, 90 days.")
    assert ("Did you mean" in error) is ("Did" in told)


def test_a_duration_that_no_timer_holds_is_refused(run: Command) -> None:
    assert run.error("timer", "49711d", "--emulated")[0] == 2
    assert run.error("timer", "4294967296", "--emulated")[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [("--replay", "tour", "--json", "show"), ("show", "--replay", "tour", "--json")],
)
def test_common_options_stand_before_or_after_the_command(
    run: Command, arguments: tuple[str, ...]
) -> None:
    assert json.loads(run.out(*arguments))["settings"][0]["category"] == "last"


def test_the_tour_can_be_read_and_changed_as_it_was_recorded(run: Command) -> None:
    replay = ("--replay", "tour")
    assert run.out("set", "last", "contacts", *replay) == "Last seen: my contacts (was: everyone)"
    code, out, err = run("timer", "7d", *replay)
    assert (code, out.strip()[-17:]) == (0, "7 days (was: off)")
    assert "goes on from where it holds timer → 7 days" in err
    code, error = run.error("excluded", "last", *replay)  # was asked behind other changes only
    assert (code, "only where other changes were made" in error) == (6, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sho"], "No such command 'sho'. Did you mean 'show'? Help: privacy-sdk --help"),
        (["xyz"], "No such command 'xyz'. Help: privacy-sdk --help"),
        (
            ["set", "lst", "all"],
            "'lst' is not a known category. Did you mean 'last'? Known: last, online, profile,"
            " status, groupadd, readreceipts, calladd, messages, defense.",
        ),
        (
            ["set", "last", "everybdy"],
            "'everybdy' is not a known value. Did you mean 'all'? Known: all, contacts,"
            " contact_blacklist, none.",
        ),
        (
            ["set", "online", "none"],
            "'online' cannot be set to 'none'. Allowed for 'online': all, match_last_seen.",
        ),
        (
            ["excluded", "online"],
            "'online' has no list of excepted people. Categories that have one: last, profile,"
            " status, groupadd.",
        ),
        (["set", "last"], "Missing argument 'VALUE'. Help: privacy-sdk set --help"),
        (
            ["set", "last", "all", NUMBER],
            "Got unexpected extra argument(s) (99•••01). Help: privacy-sdk set --help",
        ),
        (
            ["show", "--emulatd"],
            "No such option: --emulatd (Possible options: --emulated)."
            " Help: privacy-sdk show --help",
        ),
        (
            ["show", "--emulated", "--replay", "tour"],
            "--replay and --emulated do not go together."
            " A gateway, a recording or an emulated account: choose one.",
        ),
        (["demo", "--replay", "tour"], None),
        (["--emulated", "demo"], "demo takes no --emulated."),
        (["--emulated", "cassette", "check", "tour"], "cassette check takes no --emulated."),
        (["--account", "x", "gateway"], "gateway takes no --account."),
        (["--account", "x", "link", "me"], "link takes no --account."),
        (["--replay", "tour", "--timeout", "5", "unlink", "me"], "unlink takes no --replay."),
        (["cassette"], "Missing command. Help: privacy-sdk cassette --help"),
        (
            ["show", "--url", "nowhere"],
            "'nowhere' is not a gateway's address. It looks like http://127.0.0.1:8480.",
        ),
        (["show", "--timeout", "0"], "0.0 is not a timeout. Pass seconds above 0."),
        (["gateway", "--port", "65536"], None),
        (["gateway", "--account", "demo"], "'demo' is not NAME=BACKEND. As in: demo=emulated"),
        (
            ["gateway", "--account", "demo=emulatd"],
            "'emulatd' is not a known backend. Did you mean 'emulated'? "
            "Known: emulated, whatsapp, raw.",
        ),
    ],
)
def test_bad_input_is_code_2_and_one_line(
    run: Command, arguments: list[str], says: str | None
) -> None:
    code, error = run.error(*arguments)
    assert code == 2
    assert says in (None, error)


def test_a_token_on_the_command_line_is_refused_and_not_repeated(run: Command) -> None:
    code, error = run.error("show", "--token", "s3cr3t")
    assert code == 2
    assert "s3cr3t" not in error
    assert "--token-file" in error


def test_the_token_may_be_in_a_file(
    run: Command, gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRIVACY_SDK_TOKEN")
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert run.out("timer", "--token-file", str(path)).endswith("off")
    path.write_text("two words")
    assert run.error("timer", "--token-file", str(path))[0] == 2
    code, error = run.error("timer", "--token-file", str(tmp_path / "none"))
    assert code == 2
    assert "none' cannot be read: No such file or directory." in error


def test_a_wrong_token_is_code_3(
    run: Command, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "wrong-one")
    code, error = run.error("show")
    assert code == 3
    assert "wrong-one" not in error


def test_no_gateway_listening_is_code_4(run: Command) -> None:
    code, error = run.error("show", "--url", "http://127.0.0.1:1")
    assert code == 4
    assert error == (
        "No gateway answers at http://127.0.0.1:1. Start a gateway with: privacy-sdk gateway"
    )


def test_what_whatsapp_refuses_is_code_3(run: Command, gateway: str) -> None:
    with ps.Client(gateway) as client:
        client.account.emulate(ps.testing.NextAnswer("refused", operation="set_privacy_setting"))
        client.account.emulate(ps.testing.NextAnswer("not_applied"))
    code, error = run.error("set", "last", "none")
    assert code == 3
    assert error.startswith("WhatsApp refused: 406 not-acceptable. ")
    code, error = run.error("set", "last", "none")
    assert code == 3
    said = "'none' for 'last' was not applied. WhatsApp answered success, but it is 'all'. "
    assert error.startswith(said)


def test_an_unknown_outcome_is_code_5(run: Command, gateway: str) -> None:
    fetch = "fetch_privacy_settings"
    with ps.Client(gateway) as client:
        # What it was is read, by the command and by the gateway; what it is cannot be, by both.
        client.account.emulate(ps.testing.NextAnswer("slow", operation=fetch, times=2))
        client.account.emulate(ps.testing.NextAnswer("refused", operation=fetch, times=9))
    code, error = run.error("set", "last", "none")
    assert code == 5
    assert error.startswith("WhatsApp answered success. It could not be read back: ")
    assert "WhatsApp refused: 406 not-acceptable." in error
    assert error.endswith("Fetch the settings again before repeating the change.")


def test_what_is_not_recorded_is_code_6(run: Command) -> None:
    code, error = run.error("set", "defense", "on_standard", "--replay", "tour")
    assert code == 6
    assert "'tour' does not have the change of defense → on. It has: last → my contacts" in error
    assert "ps.Client.emulated()" in error
    assert run.error("show", "--replay", "nowhere")[0] == 6


def test_an_unknown_account_is_code_2(run: Command, gateway: str) -> None:
    assert run.error("show", "--account", "somebody")[0] == 2


def test_every_error_of_the_tree_has_an_exit_code() -> None:
    todo = [ps.PrivacyError]
    while todo:
        cls = todo.pop()
        todo += cls.__subclasses__()
        assert 1 <= output.exit_code(cls.__new__(cls)) <= 6


def test_with_json_an_error_is_a_problem_document(run: Command) -> None:
    code, error = run.error("set", "online", "none", "--json")
    assert code == 2
    assert json.loads(error) == {
        "type": "urn:privacy-sdk:invalid-pair",
        "title": "Invalid pair",
        "detail": "'online' cannot be set to 'none'.",
        "hint": "Allowed for 'online': all, match_last_seen.",
        "category": "online",
        "value": "none",
        "allowed": ["all", "match_last_seen"],
        "exit_code": 2,
    }
    code, error = run.error("--json", "sho")
    assert (code, json.loads(error)["type"]) == (2, "urn:privacy-sdk:invalid-input")
    code, error = run.error("show", "--replay", "nowhere", "--json")
    assert (code, json.loads(error)["type"]) == (6, "urn:privacy-sdk:recording")


class Careless(BaseHTTPRequestHandler):
    """A gateway of another version, which leaves out the value of a setting."""

    def do_GET(self) -> None:
        body = b'{"settings": [{"category": "last"}, {"category": "online", "value": "all"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_left_out_of_an_answer_is_one_line_on_stderr(run: Command, as_json: bool) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        options = ("--json",) if as_json else ()
        code, out, err = run("show", "--url", url, "--account", "demo", *options)
        server.shutdown()
    says = "The server reported 'last' without a value. That row is left out."
    assert code == 0
    assert "online" in out
    assert "last" not in out.replace("match_last_seen", "")
    assert (
        err
        == (json.dumps({"warning": says}) if as_json else f"privacy-sdk: warning: {says}") + "\n"
    )


def test_a_cassette_can_be_looked_at(run: Command) -> None:
    header, first, *_ = run.out("cassette", "show", "tour").splitlines()
    assert header.split() == ["line", "request", "status"]
    assert first.split() == ["3", "GET", "/v1/accounts/demo/privacy", "200"]
    assert '{"value":"contacts"}' in run.out("cassette", "show", "tour", "--body")
    assert run.json("cassette", "show", "tour")["exchanges"][0]["number"] == 1


def test_a_cassette_can_be_checked_for_people(run: Command, tmp_path: Path) -> None:
    assert run.out("cassette", "check", "tour").endswith("1 cassette can be handed to anybody.")
    (note,) = run.json("cassette", "check", "tour")["findings"]
    assert (note["is_wrong"], note["says"]) == (False, "the account 'demo' is named")
    broken = tmp_path / "broken.yaml"
    broken.write_text("interactions: [\n")
    code, out, err = run("cassette", "check", "tour", str(broken))
    assert (code, err) == (1, "")
    assert f"wrong {broken}: line 2: This is not readable as YAML" in out
    code, out, err = run("cassette", "check", str(broken), "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["findings"][0]["is_wrong"] is True
    code, out, err = run("cassette", "check", "nowhere", "tour")
    assert (code, err) == (1, "")
    assert "There is no" in out
    assert "the account 'demo' is named" in out


def test_warnings_of_others_are_left_as_they_are(run: Command) -> None:
    before = warnings.showwarning
    run.out("show", "--emulated")
    assert warnings.showwarning is before
