"""WhatsApp's nodes: what each operation sends, and what every shape of answer becomes."""

from xml.etree.ElementTree import canonicalize, fromstring, tostring

import pytest

import privacy_sdk as ps
from privacy_sdk import PrivacyCategory as Category
from privacy_sdk import PrivacyValue as Value
from privacy_sdk.accounts.base import Account, AccountInfo, LostAnswerError
from privacy_sdk.accounts.nodes import ProtocolAccount

ANA = ps.DisallowedListUserEntry("999000000000001@lid", "999115550101@s.whatsapp.net")
BOB = ps.DisallowedListUserEntry("999000000000002@lid", action="remove")


def xml(text: str) -> str:
    return canonicalize(text, strip_text=True)


class Wire:
    """Answers what it is given, in order, and keeps what was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.account = ProtocolAccount(AccountInfo("me", "whatsapp"), self.ask)

    async def ask(self, request):
        self.asked.append(xml(tostring(request, "unicode")))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return fromstring(answer)


def result(content: str = "") -> str:
    return f"<iq type='result'>{content}</iq>"


TIMER = result("<disappearing_mode duration='604800' t='1790000000'/>")
CALLS = {
    "fetch_privacy_settings": lambda account: account.fetch_privacy_settings(),
    "set_privacy_setting": lambda account: account.set_privacy_setting(
        Category.LAST, Value.NONE, unreported=True
    ),
    "set_privacy_disallowed_list": lambda account: account.set_privacy_disallowed_list(
        Category.LAST, ps.DisallowedListUpdate("17", [ANA, BOB])
    ),
    "fetch_disallowed_list": lambda account: account.fetch_disallowed_list(Category.LAST),
    "fetch_default_disappearing_mode": lambda account: account.fetch_default_disappearing_mode(),
    "set_default_disappearing_mode": lambda account: account.set_default_disappearing_mode(86_400),
    "find_contacts": lambda account: account.find_contacts(["999115550101"]),
}
CHANGES = [name for name in CALLS if name.startswith("set_")]
QUESTIONS = [name for name in CALLS if name not in CHANGES]


@pytest.mark.parametrize(
    ("operation", "request_node"),
    [
        ("fetch_privacy_settings", "<iq type='get' xmlns='privacy'><privacy/></iq>"),
        (
            "set_privacy_setting",
            "<iq type='set' xmlns='privacy'><privacy><category name='last' value='none'/>"
            "</privacy></iq>",
        ),
        (
            "set_privacy_disallowed_list",
            "<iq type='set' xmlns='privacy'><privacy addressing_mode='lid'>"
            "<category name='last' value='contact_blacklist' dhash='17'>"
            "<user action='add' jid='999000000000001@lid' pn_jid='999115550101@s.whatsapp.net'/>"
            "<user action='remove' jid='999000000000002@lid'/></category></privacy></iq>",
        ),
        (
            "fetch_disallowed_list",
            "<iq type='get' xmlns='privacy'><privacy addressing_mode='lid'>"
            "<list name='last' value='contact_blacklist'/></privacy></iq>",
        ),
        (
            "fetch_default_disappearing_mode",
            "<iq type='get' xmlns='disappearing_mode'><disappearing_mode/></iq>",
        ),
        (
            "set_default_disappearing_mode",
            "<iq type='set' xmlns='disappearing_mode'><disappearing_mode duration='86400'/></iq>",
        ),
        (
            "find_contacts",
            "<iq type='get' xmlns='usync'><usync mode='query' context='interactive'><query>"
            "<contact/><lid/></query><list><user><contact>+999115550101</contact></user></list>"
            "</usync></iq>",
        ),
    ],
)
async def test_each_operation_sends_the_node_that_whatsapps_clients_send(operation, request_node):
    wire = Wire(ps.NotConnectedError("There is no connection."))
    with pytest.raises(ps.NotConnectedError):
        await CALLS[operation](wire.account)
    # An xmlns attribute of the wire is no XML namespace, but is printed as one.
    assert wire.asked == [xml(request_node)]


async def test_settings_keep_unknown_names_and_leave_out_what_is_none():
    wire = Wire(
        result(
            "<privacy><category name='last' value='all'/><category name='pix' value='friends'/>"
            "<category name='status' value='error'><error code='530'/></category>"
            "<category value='all'/></privacy>"
        )
    )
    with pytest.warns(ps.PrivacyWarning) as caught:
        settings = await wire.account.fetch_privacy_settings()
    assert [(each.category.value, each.value.value) for each in settings] == [
        ("last", "all"),
        ("pix", "friends"),
    ]
    assert len(caught) == 2


async def test_what_is_reported_is_asked_once_and_a_row_with_an_error_is_reported():
    settings = result(
        "<privacy><category name='last' value='error'><error code='530'/></category></privacy>"
    )
    wire = Wire(settings, result("<privacy/>"), result("<privacy/>"))
    with pytest.warns(ps.PrivacyWarning):
        await wire.account.set_privacy_setting(Category.LAST, Value.NONE)
    for value in (Value.KNOWN, Value.OFF):
        with pytest.raises(ps.NotSupportedError, match="does not report 'messages'") as caught:
            await wire.account.set_privacy_setting(Category.MESSAGES, value)
        assert "unreported=True" in caught.value.hint
    await wire.account.set_privacy_setting(Category.LAST, Value.ALL)
    assert [request[26:29] for request in wire.asked] == ["get", "set", "set"]


async def test_a_list_is_read_and_the_dhash_of_a_change_kept():
    wire = Wire(
        result(
            "<privacy><list name='last' value='contact_blacklist' dhash='17'>"
            "<user jid='999000000000001@lid' pn_jid='999115550101@s.whatsapp.net'/>"
            "<user jid='999000000000002@lid' username='bob'/></list></privacy>"
        ),
        result("<privacy><category name='last' value='contact_blacklist' dhash='18'/></privacy>"),
        result("<privacy/>"),
    )
    held = await wire.account.fetch_disallowed_list(Category.LAST)
    assert (held.dhash, [str(user.jid) for user in held]) == ("17", [str(ANA.jid), str(BOB.jid)])
    assert [user.pn_jid for user in held] == [ANA.pn_jid, None]
    answer = await wire.account.set_privacy_setting(
        Category.LAST, Value.CONTACT_BLACKLIST, unreported=True
    )
    assert answer.dhash == "18"
    assert await wire.account.fetch_disallowed_list(Category.LAST) == ps.DisallowedList()


async def test_the_timer_is_read():
    assert await Wire(TIMER).account.fetch_default_disappearing_mode() == 604_800


async def test_contacts_are_matched_by_the_number_that_was_asked_for():
    wire = Wire(
        result(
            "<usync><list>"
            "<user jid='999115550102@s.whatsapp.net'><contact type='out'>+999115550102</contact>"
            "</user><user jid='99911555101@s.whatsapp.net'><contact type='in'>+999115550101"
            "</contact><lid val='999000000000001@lid'/></user></list></usync>"
        )
    )
    ana, bob = await wire.account.find_contacts(["999115550101", "999115550102"])
    assert (str(ana.jid), str(ana.pn_jid)) == (str(ANA.jid), "99911555101@s.whatsapp.net")
    assert bob == ps.Contact("999115550102")


async def test_a_number_that_is_answered_under_another_one_is_asked_for_alone():
    other = (
        "<user jid='99911555101@s.whatsapp.net'><contact type='in'/>"
        "<lid val='999000000000001@lid'/></user>"
    )
    bob = (
        "<user jid='999115550102@s.whatsapp.net'><contact type='in'/>"
        "<lid val='999000000000002@lid'/></user>"
    )
    wire = Wire(
        result(f"<usync><list>{bob}{other}</list></usync>"),
        result(f"<usync><list>{other}</list></usync>"),
    )
    found = await wire.account.find_contacts(["999115550101", "999115550102"])
    assert [str(each.jid) for each in found] == [str(ANA.jid), str(BOB.jid)]
    assert len(wire.asked) == 2


WHOLE = "<iq type='error'><error code='429' text='rate-overlimit' type='wait' backoff='30'/></iq>"


@pytest.mark.parametrize("operation", CALLS)
async def test_a_refusal_of_the_whole_keeps_code_text_type_and_backoff(operation):
    with pytest.raises(ps.errors.RateLimitError) as caught:
        await CALLS[operation](Wire(WHOLE).account)
    error = caught.value
    assert (error.code, error.text) == (429, "rate-overlimit")
    assert (error.error_type, error.backoff) == ("wait", 30.0)


INSIDE = (
    "<privacy><category name='last' value='error'><error code='409' text='conflict' backoff='2'/>"
    "</category></privacy>"
)


@pytest.mark.parametrize("operation", sorted(CALLS.keys() - {"fetch_privacy_settings"}))
async def test_a_refusal_inside_a_success_is_one(operation):
    with pytest.raises(ps.ConflictError) as caught:
        await CALLS[operation](Wire(result(INSIDE)).account)
    assert caught.value.backoff == 2


@pytest.mark.parametrize(
    "answer",
    [
        "<iq type='error'/>",
        "<iq type='error'><error code='many' backoff='inf'/></iq>",
        result("<privacy><category name='last' value='error'/></privacy>"),
    ],
)
async def test_a_refusal_without_a_reason_is_one(answer):
    with pytest.raises(ps.IqError) as caught:
        await CALLS["set_privacy_setting"](Wire(answer).account)
    assert (caught.value.code, caught.value.backoff) == (0, None)


@pytest.mark.parametrize("operation", CALLS)
async def test_a_lost_answer_leaves_a_changes_outcome_unknown_and_a_question_unanswered(operation):
    wire = Wire(LostAnswerError("no answer came within 20 seconds"))
    expected = ps.OutcomeUnknownError if operation in CHANGES else ps.errors.AnswerTimeoutError
    with pytest.raises(expected, match=r"no answer came within 20 seconds\."):
        await CALLS[operation](wire.account)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("answer", ["<message/>", "<iq type='get'/>", "<iq/>"])
async def test_what_is_no_answer_is_no_success(operation, answer):
    expected = ps.OutcomeUnknownError if operation in CHANGES else ps.errors.UnreadableAnswerError
    with pytest.raises(expected):
        await CALLS[operation](Wire(answer).account)


@pytest.mark.parametrize(
    ("operation", "content"),
    [
        *((operation, "") for operation in QUESTIONS),
        ("fetch_disallowed_list", "<privacy><list dhash='17'><user/></list></privacy>"),
        ("fetch_disallowed_list", "<privacy><list><user jid='ana'/></list></privacy>"),
        ("fetch_default_disappearing_mode", "<disappearing_mode/>"),
        ("fetch_default_disappearing_mode", "<disappearing_mode duration='-1'/>"),
        ("fetch_default_disappearing_mode", "<disappearing_mode duration='soon'/>"),
        ("find_contacts", "<usync><list><user jid='ana'/></list></usync>"),
    ],
)
async def test_an_answer_of_another_shape_is_unreadable(operation, content):
    with pytest.raises(ps.errors.UnreadableAnswerError):
        await CALLS[operation](Wire(result(content)).account)


async def test_an_update_without_dhash_is_based_on_the_list_as_it_stands():
    changed = result("<privacy><category name='last' dhash='18'/></privacy>")
    held = result("<privacy><list dhash='17'/></privacy>")
    wire = Wire(held, changed, result("<privacy/>"))
    loose = ps.DisallowedListUpdate(None, [ANA])
    await wire.account.set_privacy_disallowed_list(Category.LAST, loose)
    assert 'dhash="17"' in wire.asked[1]
    with pytest.raises(ps.InvalidInputError, match="its list was not changed"):
        await wire.account.set_privacy_disallowed_list(Category.LAST, loose)
    assert len(wire.asked) == 3


async def test_it_is_an_account():
    account = Wire().account
    assert isinstance(account, Account)
    assert (account.id, (await account.info()).backend) == ("me", "whatsapp")
    await account.aclose()
