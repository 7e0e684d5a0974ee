"""Every exception of tryx, by its text, as an error of the tree: what it means for either kind."""

import asyncio

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.whatsapp.tryx_errors import error_from_tryx

REFUSAL = "received a server error response: code={}, text='{}'"

TEXTS = {
    "Client is not running. Call Tryx.run() or Tryx.run_blocking() first.": (
        ps.NotConnectedError,
        ps.NotConnectedError,
    ),
    "client is not connected": (ps.NotConnectedError, ps.OutcomeUnknownError),
    "IQ request timed out": (ps.errors.AnswerTimeoutError, ps.OutcomeUnknownError),
    "internal channel closed unexpectedly": (ps.errors.AnswerTimeoutError, ps.OutcomeUnknownError),
    **dict.fromkeys(
        (
            "socket error: closed",
            "encrypted send pipeline failed",
            "received disconnect node: replaced",
        ),
        (ps.NotConnectedError, ps.OutcomeUnknownError),
    ),
    **dict.fromkeys(
        ("client state prevented send", "IQ request ID is already in flight"),
        (ps.NotConnectedError, ps.NotConnectedError),
    ),
    'received unexpected IQ response type: Some("set")': (
        ps.errors.UnreadableAnswerError,
        ps.OutcomeUnknownError,
    ),
    "failed to parse IQ response": (ps.errors.UnreadableAnswerError, ps.OutcomeUnknownError),
    "anything that a later version says": (ps.errors.UnreadableAnswerError, ps.OutcomeUnknownError),
    "": (ps.errors.UnreadableAnswerError, ps.OutcomeUnknownError),
    **{
        REFUSAL.format(code, text): (error, error)
        for code, text, error in [
            (400, "bad-request", ps.errors.BadRequestError),
            (401, "not-authorized", ps.errors.NotAuthorizedError),
            (403, "forbidden", ps.errors.NotAuthorizedError),
            (404, "item-not-found", ps.errors.ItemNotFoundError),
            (409, "conflict", ps.ConflictError),
            (429, "rate-overlimit", ps.errors.RateLimitError),
            (503, "service-unavailable", ps.errors.ServiceUnavailableError),
            (530, "partial-server-error", ps.IqError),
        ]
    },
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_decides_what_a_failed_read_and_a_failed_change_mean(text):
    read, change = (
        error_from_tryx(RuntimeError(text), changes=changes) for changes in (False, True)
    )
    assert (type(read), type(change)) == TEXTS[text]
    assert read.hint
    assert change.hint


@pytest.mark.parametrize(
    "error",
    [
        ValueError("invalid value for privacy category"),
        TypeError("argument 'category': 'str' object is not an instance of 'PrivacyCategory'"),
        OverflowError("out of range integral type conversion attempted"),
    ],
)
@pytest.mark.parametrize("changes", [False, True])
def test_what_tryx_refuses_before_sending_is_bad_input(error, changes):
    assert isinstance(error_from_tryx(error, changes=changes), ps.InvalidInputError)


@pytest.mark.parametrize("text", ["conflict", "", "it's", "two\nlines", "a', text='b"])
def test_a_refusal_keeps_its_code_and_its_text_whatever_is_in_it(text):
    error = error_from_tryx(RuntimeError(REFUSAL.format(409, text)), changes=True)
    assert isinstance(error, ps.ConflictError)
    assert (error.code, error.text) == (409, text)


def test_a_person_in_a_text_of_tryx_is_masked():
    text = "no session for 999115550101:3@s.whatsapp.net"
    for changes in (False, True):
        error = error_from_tryx(RuntimeError(text), changes=changes)
        assert "999115550101" not in str(error)
        assert "99•••01" in str(error)


def test_the_texts_are_those_of_the_installed_tryx(tmp_path):
    """The ones that can be had without a connection, from tryx itself."""
    from tryx import client as tryx

    from privacy_sdk.accounts.whatsapp.tryx_runtime import open_tryx

    with pytest.raises(RuntimeError) as caught:
        open_tryx(tmp_path / "session.db").get_client().advanced.is_logged_in()
    assert isinstance(error_from_tryx(caught.value, changes=False), ps.NotConnectedError)

    async def wrong_arguments() -> None:
        privacy = open_tryx(tmp_path / "session.db").get_client().privacy
        bad_pair = tryx.PrivacyCategory.Online, tryx.PrivacyValue.None_
        for error, call in (
            (RuntimeError, lambda: privacy.fetch_settings()),
            (ValueError, lambda: privacy.set_setting(*bad_pair)),
            (TypeError, lambda: privacy.set_setting("last", "all")),
            (OverflowError, lambda: privacy.set_default_disappearing_mode(-1)),
        ):
            with pytest.raises(error) as caught:
                call()
            assert not isinstance(
                error_from_tryx(caught.value, changes=True), ps.OutcomeUnknownError
            )

    asyncio.run(wrong_arguments())
