"""WhatsApp's side of an emulated account, asked by nodes that no account of ours sends."""

from xml.etree.ElementTree import tostring

import pytest

from privacy_sdk.accounts.emulated.account import CONTACTS, SETTINGS
from privacy_sdk.accounts.emulated.server import EmulatedServer
from privacy_sdk.accounts.events import NextAnswer
from privacy_sdk.accounts.nodes import iq, node

ANA = node("user", action="add", jid="999000000000001@lid")


@pytest.fixture
def server():
    return EmulatedServer({**SETTINGS, "last": "contact_blacklist"}, CONTACTS)


def code(answer):
    assert answer.get("type") == "error"
    return int(answer[0].get("code"))


def update(dhash, **attributes):
    change = node("category", ANA, name="last", value="contact_blacklist", dhash=dhash)
    return iq("set", "privacy", node("privacy", change, **attributes))


def test_a_refused_category_inside_a_success_carries_its_name_and_the_error_alone(server):
    refused = server.answer(update("1", addressing_mode="lid"))
    assert refused.get("type") == "result"
    assert tostring(refused[0]) == (
        b'<privacy><category name="last" value="error">'
        b'<error code="409" text="conflict" /></category></privacy>'
    )


def test_a_refused_category_of_a_plain_set_looks_likewise(server):
    change = node("category", name="online", value="all")
    fault = NextAnswer("refused_inside", code=406)
    refused = server.answer(iq("set", "privacy", node("privacy", change)), fault)
    assert refused[0][0].attrib == {"name": "online", "value": "error"}


def test_the_timer_is_answered_without_a_child_in_the_request(server):
    answer = server.answer(iq("get", "disappearing_mode"))
    assert answer.get("type") == "result"
    assert answer[0].get("duration") == "0"


@pytest.mark.parametrize("mode", [None, "pn"])
def test_a_list_is_neither_read_nor_changed_unless_people_are_named_by_lid(server, mode):
    dhash = server.lists["last"].dhash
    wanted = node("list", name="last", value="contact_blacklist")
    read = iq("get", "privacy", node("privacy", wanted, addressing_mode=mode))
    assert code(server.answer(read)) == 400
    assert code(server.answer(update(dhash, addressing_mode=mode))) == 400
    assert len(server.lists["last"]) == 0
    assert server.answer(update(dhash, addressing_mode="lid")).get("type") == "result"


@pytest.mark.parametrize(
    ("expected", "request_node"),
    [
        (501, iq("get", "privacy")),
        (501, iq("get", "groups", node("privacy"))),
        (501, iq("get", None)),
        (501, iq("set", "disappearing_mode")),
        (501, iq("set", "privacy", node("privacy", node("category"), node("category")))),
        (400, iq("set", "disappearing_mode", node("disappearing_mode"))),
        (400, iq("set", "disappearing_mode", node("disappearing_mode", duration="soon"))),
        (400, iq("set", "privacy", node("privacy", node("category", name="last")))),
        (400, iq("set", "privacy", node("privacy", node("category", value="all")))),
        (400, iq("get", "privacy", node("privacy", node("list"), addressing_mode="lid"))),
    ],
)
def test_every_request_is_answered_however_broken(server, expected, request_node):
    assert code(server.answer(request_node)) == expected
