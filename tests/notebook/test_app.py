"""The page of the control panel: what the command passes on, and what the page shows."""

import json
import sys

import pytest

import privacy_sdk as ps
from privacy_sdk.cli import main as cli
from privacy_sdk.notebook import app


@pytest.fixture
def page(monkeypatch):
    def make(**where):
        monkeypatch.setenv("PRIVACY_SDK_APP", json.dumps(where))
        return app.page()

    return make


@pytest.fixture
def served(monkeypatch):
    """What the command asks to serve."""
    calls = []
    monkeypatch.setattr(app, "serve_page", lambda source, **how: calls.append((source, how)))
    return calls


def test_the_page_is_the_panel_of_what_was_asked_for(page):
    assert repr(page(emulated=True)) == "Panel(Client.emulated(), 0 changes pending)"
    assert repr(page(replay="tour")) == "Panel(Client.replay('tour'), 0 changes pending)"


def test_a_page_without_a_gateway_says_why_and_what_to_do(page):
    shown = page(url="http://127.0.0.1:9", account="demo")._repr_html_()
    assert 'role="alert"' in shown
    assert "No gateway answers at http://127.0.0.1:9." in shown
    assert "Then load this page again." in shown


def test_the_command_passes_on_where_to_look(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("a-token-in-a-file")
    command = ["app", "--url", "http://127.0.0.1:9", "--token-file", "token", "--theme", "dark"]
    assert cli.main([*command, "--port", "9000", "--no-browser"]) == 0
    [(where, how)] = served
    assert where == {"url": "http://127.0.0.1:9", "token_file": str(tmp_path / "token")}
    assert how == {"port": 9000, "theme": "dark", "open_browser": False, "fresh": False}


def test_the_page_reads_the_token_from_its_file(page, tmp_path):
    (tmp_path / "token").write_text("a-token-in-a-file")
    shown = page(url="http://127.0.0.1:9", token_file=str(tmp_path / "token"))._repr_html_()
    assert "No gateway answers" in shown
    assert "a-token" not in shown


@pytest.mark.parametrize("wrong", [["--replay", "nowhere"], ["--emulated", "--replay", "tour"]])
def test_what_is_given_wrongly_is_said_by_the_command(served, wrong, capsys):
    assert cli.main(["app", *wrong]) != 0
    assert served == []
    assert capsys.readouterr().err.startswith("privacy-sdk: ")


def test_without_voila_the_command_says_how_to_get_it(monkeypatch):
    for name in ("voila", "voila.app"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ps.PrivacyError, match="The page needs voila") as caught:
        app.serve_page({"emulated": True})
    assert caught.value.hint == 'pip install "privacy-sdk[app]"'
