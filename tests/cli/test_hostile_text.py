"""Whatever a gateway or a file says, no command lets it steer the terminal or hide in it."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import privacy_sdk as ps
from privacy_sdk.cli import main as cli
from privacy_sdk.errors.escapes import printable

EVIL = "\x1b[2J\x9b31m\x1b]0;owned\x07\u202e\u2066\u200b\u3164\ufe0f\x7f\0\rx"
LONG = "long " * 5_000
SAYS = EVIL + LONG

COMMANDS = {
    "demo": ["demo"],
    "link": ["link", "demo"],
    "unlink": ["unlink", "demo"],
    "show": ["show"],
    "visibility": ["visibility"],
    "set": ["set", "last", "none"],
    "excluded": ["excluded", "last"],
    "timer": ["timer", "7d"],
    "plan": ["plan", "maximum"],
    "apply": ["apply", "maximum", "--yes"],
    "check": ["check", "maximum"],
    "undo": ["undo", "{undo}", "--yes"],
    "history": ["history"],
    "watch": ["watch"],
    "snapshot": ["snapshot"],
    "exclude": ["exclude", "last", "+999 11 5555 0101"],
    "include": ["include", "last", "+999 11 5555 0101"],
    "doctor": ["doctor"],
    "cassette show": ["cassette", "show", "{file}"],
    "cassette check": ["cassette", "check", "{file}"],
    "record": ["record", "{script}", "--output", "{new}"],
}
WITHOUT_FOREIGN_TEXT = {"gateway", "app", "replay"}
"""Commands that run until they are stopped, whose text is their own, or a script of one's own."""

STATE = {"settings": [], "lists": [], "duration": None}
ROW = {"outcome": "refused", "reason": SAYS, "missed": []}
SETTINGS = [{"category": "last", "value": "contact_blacklist"}, {"category": EVIL, "value": "all"}]
ENTRY = {
    "number": 1, "at": "2026-11-24T18:00:00Z", "change": "start", "category": None,
    "before": None, "after": None, "by": SAYS, "outcome": SAYS, "reason": SAYS,
    "operation": SAYS, "undoes": SAYS, "since": None, "people": [], "lost": None,
}  # fmt: skip
EVENTS = f"id: 1\ndata: {json.dumps(ENTRY)}\n\nid: the end\ndata: {{}}\n\n"
GOOD = {
    r"GET /v1/accounts$": {"accounts": []},
    r"GET /v1/accounts/[^/]+$": {
        "id": "demo", "backend": SAYS, "state": SAYS, "hint": SAYS,
        "capabilities": [*ps.accounts.Capability, EVIL],
    },
    r"GET .*/privacy$": {"settings": SETTINGS},
    r"PUT .*/privacy/": {"dhash": EVIL},
    r"POST .*/excluded$": {"before": EVIL, "dhash": EVIL},
    r"PATCH .*/privacy$": {
        "outcomes": [ROW] * 9, "found": {"settings": [], "lists": [], "duration": None},
    },
    r"(GET|PATCH) .*/disallowed-list$": {"dhash": "1", "users": []},
    r".*/disappearing-mode$": {"duration": 604_800},
    r".*/contacts$": {"contacts": [{"phone": EVIL, "jid": EVIL, "pn_jid": None}]},
    r"GET .*/history$": {"entries": [ENTRY]},
    r"GET .*/history\?last=1$": {"entries": []},
    r"(POST|GET) .*/link$": {
        "state": "connected", "hint": SAYS, "qr": None, "expires_in": None, "linked_as": SAYS,
    },
    r"DELETE .*/link$": {
        "state": SAYS, "hint": SAYS, "qr": None, "expires_in": None, "linked_as": SAYS,
    },
}  # fmt: skip
PROBLEM = {
    "type": "urn:privacy-sdk:outdated-plan",
    **{name: SAYS for name in ("title", "detail", "hint", "text", "given", "nearest", "category")},
    **{name: [SAYS] * 20 for name in ("allowed", "faults", "changed")},
}
ANSWERS: dict[str, Any] = {"good": GOOD, "problem": PROBLEM, "shape": {"settings": SAYS}}


class Hostile(BaseHTTPRequestHandler):
    """Answers with text that steers terminals."""

    answers: Any

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = f"{self.command} {self.path}"
        document, status = self.answers, 409 if self.answers is PROBLEM else 200
        if self.answers is GOOD:
            document = next((GOOD[each] for each in GOOD if re.search(each, asked)), PROBLEM)
            status = 409 if document is PROBLEM else 200
        body = json.dumps(document).encode()
        if self.answers is GOOD and self.path.endswith("/events"):
            body, status = EVENTS.encode(), 200
        self.send_response(status)
        if body == EVENTS.encode():
            self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815

    def finish(self) -> None:
        with suppress(ConnectionError):  # whoever asked is gone
            super().finish()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module", params=ANSWERS)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    handler = type("Handler", (Hostile,), {"answers": ANSWERS[request.param]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def hostile(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_SDK_URL", address)
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "only-for-tests")
    monkeypatch.setenv("PRIVACY_SDK_ACCOUNT", "demo")


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    cassette, script = tmp_path / "mine.yaml", tmp_path / "script.py"
    request = {
        "method": "GET", "uri": f"http://127.0.0.1:8480/{EVIL}", "body": None, "headers": {},
    }  # fmt: skip
    response = {
        "status": {"code": 200, "message": EVIL}, "headers": {}, "body": {"string": EVIL},
    }  # fmt: skip
    rows = {"version": 1, "interactions": [{"request": request, "response": response}]}
    cassette.write_text(json.dumps(rows))
    script.write_text(f"import privacy_sdk as ps\nraise ps.PrivacyError({EVIL!r})\n")
    undo = tmp_path / "undo.json"
    change = {"change": "setting", "category": "last", "value": "none"}
    undo.write_text(json.dumps({"account": "demo", "expected": STATE, "changes": [change]}))
    return {
        "undo": str(undo),
        "file": str(cassette),
        "script": str(script),
        "new": str(tmp_path / "new.yaml"),
    }


def all_commands(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from all_commands(command, f"{name} ")
        else:
            yield before + name


def test_every_command_is_met_here() -> None:
    assert set(all_commands(cli.build())) == COMMANDS.keys() | WITHOUT_FOREIGN_TEXT


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_text_of_others_steer_the_terminal(
    capfd: pytest.CaptureFixture[str], command: str, as_json: bool, places: dict[str, str]
) -> None:
    arguments = [argument.format_map(places) for argument in COMMANDS[command]]
    cli.main([*arguments, *(["--json"] if as_json else [])])
    out, err = capfd.readouterr()
    assert out + err
    for line in (out + err).splitlines():
        assert printable(line) == line, line[:300]
        assert len(line) < 60_000
    assert "owned\x07" not in out + err


@pytest.mark.usefixtures("hostile")
@pytest.mark.filterwarnings("ignore::privacy_sdk.PrivacyWarning")
def test_nor_does_a_repr_a_note_or_a_page() -> None:
    with ps.Client(timeout=5) as client:
        texts = [repr(client)]
        for use in (
            client.info,
            client.fetch_privacy_settings,
            lambda: client.set_privacy_setting("last", "none"),
            lambda: client.plan(ps.policies.MAXIMUM),
            client.link_status,
        ):
            try:
                given = use()
            except ps.PrivacyError as error:
                texts += [
                    str(error),
                    repr(error),
                    *getattr(error, "__notes__", ()),
                    *error._render_traceback_(),
                ]
            else:
                texts += [repr(given), str(given)]
    for line in "\n".join(texts).splitlines():
        assert printable(line) == line, line[:300]
