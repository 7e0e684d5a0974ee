"""The tree of errors: as drawn, picklable, helpful, and without anybody's number."""

import copy
import pickle
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import privacy_sdk as ps
from privacy_sdk import errors

NUMBER, TOKEN = "999115550101", "s3cret-token"
PERSONAL = (
    f"no {NUMBER}@s.whatsapp.net, +999 11 5550 0101, {NUMBER}, 999000000000001@lid; "
    f"Authorization: Bearer {TOKEN}"
)


def tree(cls: type[ps.PrivacyError]) -> Iterator[type[ps.PrivacyError]]:
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ in (ps.__name__, errors.__name__):
            yield from tree(child)


CLASSES = list(tree(ps.PrivacyError))

OWN_ARGUMENTS = {
    ps.UnknownNameError: ("category", PERSONAL, {"last": ("last seen",)}),
    ps.InvalidPairError: (PERSONAL, NUMBER, ("all", "none")),
    ps.errors.InvalidDurationError: (PERSONAL,),
    ps.errors.NoDisallowedListError: (NUMBER, ("last",)),
    ps.errors.TooManyRequestsError: (1.5,),
    ps.errors.AccountBusyError: (1.5,),
    ps.errors.InvalidPolicyError: ([PERSONAL, PERSONAL],),
    ps.errors.OutdatedPlanError: ([PERSONAL],),
}


def example(cls: type[ps.PrivacyError]) -> ps.PrivacyError:
    """An error of the class, made with personal data wherever it takes a text."""
    if issubclass(cls, ps.IqError):
        return cls(409, PERSONAL, error_type="wait", backoff=2.5)
    return cls(*OWN_ARGUMENTS.get(cls, (PERSONAL,)))


@pytest.fixture(params=CLASSES, ids=lambda cls: cls.__name__)
def error(request: pytest.FixtureRequest) -> ps.PrivacyError:
    return example(request.param)


def test_the_tree_is_as_drawn():
    drawn, path = {}, []
    for line in errors.__doc__.splitlines():
        if match := re.match(r"    (?P<branch>[│├└─ ]*)(?P<name>\w+Error)  ", line):
            depth = len(match["branch"]) // 4
            path[depth:] = [match["name"]]
            drawn[match["name"]] = path[depth - 1] if depth else None
    real = {cls.__name__: cls.__base__.__name__ for cls in CLASSES}
    multiple = {
        cls.__name__: next(base.__name__ for base in cls.__bases__ if base in CLASSES)
        for cls in CLASSES[1:]
    }
    assert drawn == real | multiple | {"PrivacyError": None}


def test_no_other_module_adds_to_the_tree():
    names = "|".join(cls.__name__ for cls in CLASSES)
    adding = [
        path.parent.name
        for path in Path(ps.__file__).parent.rglob("*.py")
        if re.search(rf"^class \w+\([^)]*\b({names})\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert adding == ["errors"]


def test_every_error_is_public_and_its_traceback_says_where():
    assert {cls.__name__ for cls in CLASSES} <= set(errors.__all__)
    for cls in CLASSES:
        home = ps if cls.__name__ in ps.__all__ else errors
        assert getattr(home, cls.__name__) is getattr(errors, cls.__name__) is cls
        assert traceback.format_exception_only(example(cls))[0].startswith(
            f"{home.__name__}.{cls.__name__}: "
        )


def test_every_error_survives_pickling_and_copying(error):
    for twin in (
        *(pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy(error),
        copy.deepcopy(error),
    ):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(twin) == repr(error)
        assert vars(twin) == vars(error)


def test_the_warning_survives_pickling():
    warning = pickle.loads(pickle.dumps(ps.PrivacyWarning("left out")))
    assert repr(warning) == "PrivacyWarning('left out')"
    assert type(warning) is ps.PrivacyWarning


def test_no_error_shows_a_number_or_a_token(error):
    short_repr = pickle.dumps(error).decode("latin-1") + repr(error) + str(error) + error.hint
    assert TOKEN not in short_repr
    if not isinstance(error, ps.NotRecordedError):  # recordings hold pseudonyms, to be read
        for number in (NUMBER, "999000000000001", "5550 0101"):
            assert number not in short_repr


def test_what_is_not_recorded_shows_pseudonyms_and_nobody_elses_number():
    number = "55" + "11" + "912345678"
    error = ps.NotRecordedError(f"{number}, {NUMBER}", nearest=[f"PUT {number}", f"PUT {NUMBER}"])
    assert number not in pickle.dumps(error).decode("latin-1") + str(error)
    assert error.nearest[1] == f"PUT {NUMBER}"


def test_every_error_says_what_happened_and_its_hint_is_its_note(error):
    assert error.message == str(error)
    assert error.message
    assert getattr(error, "__notes__", []) == ([error.hint] if error.hint else [])


def test_every_error_has_the_attributes_it_declares(error):
    assert all(hasattr(error, name) for name in error.fields)


def test_every_error_is_caught_by_the_root_and_by_its_standard_twin():
    assert all(issubclass(cls, ps.PrivacyError) for cls in CLASSES)
    assert issubclass(ps.InvalidInputError, ValueError)
    assert issubclass(ps.errors.AnswerTimeoutError, TimeoutError)
    assert issubclass(ps.errors.UsageError, RuntimeError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, ps.errors.BadRequestError),
        (401, ps.errors.NotAuthorizedError),
        (403, ps.errors.NotAuthorizedError),
        (404, ps.errors.ItemNotFoundError),
        (405, ps.IqError),
        (409, ps.ConflictError),
        (429, ps.errors.RateLimitError),
        (503, ps.errors.ServiceUnavailableError),
        (530, ps.IqError),
        (0, ps.IqError),
    ],
)
def test_a_code_decides_the_class_of_a_refusal(code, expected):
    error = ps.IqError.from_code(code, "some-text", error_type="wait", backoff=30)
    assert type(error) is expected
    assert (error.code, error.text) == (code, "some-text")
    assert (error.error_type, error.backoff) == ("wait", 30)
    assert str(error) == f"WhatsApp refused: {code} some-text."
    assert "wait 30 s" in error.hint


def test_a_refusal_without_a_text_reads_well():
    assert str(ps.IqError(500)) == "WhatsApp refused: 500."
    assert ps.IqError(500).backoff is None


def test_a_hint_of_ones_own_takes_the_place_of_the_usual_one():
    assert ps.ConflictError(409).hint == ps.ConflictError.default_hint
    assert ps.ConflictError(409, hint="Later.").hint == "Later."
    assert ps.NotConnectedError("x", hint="").hint == ""


def test_the_warning_is_a_warning_and_no_error():
    assert issubclass(ps.PrivacyWarning, UserWarning)
    assert not issubclass(ps.PrivacyWarning, ps.PrivacyError)


@pytest.mark.parametrize(
    "given",
    [pytest.param(10**5000, id="huge"), pytest.param("9" * 10**5, id="long"), [NUMBER] * 500],
)
def test_what_was_given_is_shown_short_and_masked(given):
    text = errors.short_repr(given)
    assert len(text) <= 100
    assert NUMBER not in text
