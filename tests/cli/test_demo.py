"""The tour: what is shown is what happens, and what a user can type."""

import re

import pytest
from commands import Command

import privacy_sdk as ps
from privacy_sdk.cli.demo import Step, tour
from privacy_sdk.policies.policy import MAXIMUM


def steps_of(client: ps.Client) -> list[Step]:
    return list(tour(client))


def test_the_recorded_tour_is_what_an_emulated_account_answers() -> None:
    recorded, lived = steps_of(ps.Client.replay("tour")), steps_of(ps.Client.emulated())
    assert [repr(step.after) for step in recorded] == [repr(step.after) for step in lived]
    assert [repr(step.before) for step in recorded] == [repr(step.before) for step in lived]


def test_typing_the_lines_of_the_tour_gives_what_it_shows() -> None:
    client = ps.Client.emulated()
    names = {"ps": ps, "client": client}
    for step in steps_of(ps.Client.emulated()):
        if isinstance(step.after, ps.PrivacyError):
            with pytest.raises(type(step.after)) as raised:
                exec(step.code, names)
            assert raised.value.message == step.after.message
        else:
            exec(step.code, names)
            if isinstance(step.after, str):
                assert eval(step.code, names) == step.after
    settings = client.fetch_privacy_settings()["value"].to_dict()
    assert settings == dict(MAXIMUM.settings) | {"defense": "off"}
    assert client.fetch_default_disappearing_mode() == 604_800


def test_the_demo_shows_a_table_before_and_after_each_change(run: Command) -> None:
    out = run.out("demo")
    for step in steps_of(ps.Client.replay("tour")):
        assert f"\n{step.title}\n{step.code}\n" in out
    assert len(re.findall(r"^ +before +after *$", out, re.MULTILINE)) == 5
    assert "Last seen      contact_blacklist  none" in out
    assert "excepted  nobody  99•••01@lid" in out
    assert "ConflictError: WhatsApp refused: 409 conflict." in out


def test_the_demo_in_json_has_every_step(run: Command) -> None:
    shown = run.json("demo")
    steps = steps_of(ps.Client.replay("tour"))
    assert [step["title"] for step in shown] == [step.title for step in steps]
    assert shown[2]["before"]["Last seen"] == "all"
    assert shown[2]["after"]["Last seen"] == "contacts"
    assert shown[3]["after"]["type"] == "urn:privacy-sdk:invalid-pair"
