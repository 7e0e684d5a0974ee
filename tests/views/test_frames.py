"""The settings as a table: shape, dtypes, figures."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_sdk as ps
from privacy_sdk.model import words
from privacy_sdk.model.types import exposure
from privacy_sdk.views.frames import ALLOWED, COLUMNS, accounts_frame, settings_frame

DTYPES = {column.name: column.dtype for column in COLUMNS}


def response(**settings: str) -> ps.PrivacySettingsResponse:
    return ps.PrivacySettingsResponse(
        ps.PrivacySetting(ps.PrivacyCategory(category), ps.PrivacyValue(value))
        for category, value in settings.items()
    )


@pytest.mark.parametrize("reported", [response(), response(last="all"), response(new="odd")])
def test_columns_and_dtypes_are_always_the_same(reported):
    frame = settings_frame(reported)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert (frame.index.name, str(frame.index.dtype)) == ("category", "str")
    assert len(frame) == len(reported)


def test_rows_keep_the_servers_order_and_its_unknown_names():
    frame = settings_frame(response(new="odd", status="contacts", last="newer"))
    assert frame.index.tolist() == ["new", "status", "last"]
    assert frame.loc["new"].tolist() == ["new", "odd", pd.NA, "odd"]
    assert frame.loc["last", "value"] == "newer"
    assert pd.isna(frame.loc["last", "exposure"])


WIRE_NAMES = st.sampled_from(["new", "newer", "all", "last"])
ROWS = st.tuples(
    st.sampled_from([*ps.PrivacyCategory]) | WIRE_NAMES.map(ps.PrivacyCategory),
    st.sampled_from([*ps.PrivacyValue]) | WIRE_NAMES.map(ps.PrivacyValue),
)
REPORTED = st.lists(ROWS, max_size=12, unique_by=lambda row: row[0])


def plainly(rows, *, allowed):
    """The table as one would write it by hand, cell by cell."""
    last = dict(rows).get(ps.PrivacyCategory.LAST)
    columns = {
        "setting": [words.label(category) for category, _ in rows],
        "audience": [words.audience(value) for _, value in rows],
        "exposure": [exposure(category, value, last) for category, value in rows],
        "value": [value.value for _, value in rows],
    }
    if allowed:
        columns["allowed"] = [", ".join(c.valid_values) or "any" for c, _ in rows]
    index = pd.Index([category.value for category, _ in rows], dtype="str", name="category")
    dtypes = DTYPES | {"allowed": "str"}
    return pd.DataFrame({k: pd.Series(v, index, dtypes[k]) for k, v in columns.items()}, index)


@given(reported=st.lists(REPORTED, max_size=4), allowed=st.booleans())
def test_rows_that_were_prepared_are_those_that_one_would_write(reported, allowed):
    responses = [ps.PrivacySettingsResponse(ps.PrivacySetting(*row) for row in r) for r in reported]
    for rows, each in zip(reported, responses, strict=True):
        frame = settings_frame(each, account="me", allowed=allowed)
        pd.testing.assert_frame_equal(frame, plainly(rows, allowed=allowed))
        assert frame.attrs["account"] == "me"
    named = {f"a{place}": response for place, response in enumerate(responses)}
    frame = accounts_frame(named, {"bad": "No answer."}, allowed=allowed)
    for name, rows in zip(named, reported, strict=True):
        found = frame.loc[frame.index.get_level_values("account") == name]
        pd.testing.assert_frame_equal(
            found.droplevel("account").drop(columns="error"), plainly(rows, allowed=allowed)
        )


def test_a_table_that_is_changed_leaves_the_next_one_as_it_is():
    first = settings_frame(response(last="all"))
    first.loc["last", "setting"] = "mine"
    first.index = pd.Index(["mine"])
    first.attrs["mine"] = True
    again = settings_frame(response(last="all"))
    assert (again.index.tolist(), again.loc["last", "setting"]) == (["last"], "Last seen")
    assert "mine" not in again.attrs


def test_the_about_text_is_called_about():
    assert settings_frame(response(status="all")).loc["status", "setting"] == "About"


@pytest.mark.parametrize(
    ("value", "figure"),
    [("all", 4), ("known", 3), ("contacts", 2), ("contact_blacklist", 1), ("none", 0)],
)
def test_exposure_counts_who_is_let_in(value, figure):
    assert settings_frame(response(last=value)).loc["last", "exposure"] == figure


@pytest.mark.parametrize(
    ("last", "figure"), [("contacts", 2), ("none", 0), ("newer", None), (None, None)]
)
def test_online_that_matches_last_seen_has_its_exposure(last, figure):
    settings = {"online": "match_last_seen"} | ({"last": last} if last else {})
    found = settings_frame(response(**settings)).loc["online", "exposure"]
    assert pd.isna(found) if figure is None else found == figure


def test_defense_mode_has_no_exposure():
    assert exposure(ps.PrivacyCategory.DEFENSE_MODE, ps.PrivacyValue.ALL) is None


def test_allowed_names_exactly_the_tables_values():
    reported = response(new="odd", **{category: "all" for category in ps.PrivacyCategory})
    frame = settings_frame(reported, allowed=True)
    assert frame.columns.tolist() == [column.name for column in (*COLUMNS, ALLOWED)]
    assert frame.loc["new", "allowed"] == "any"
    assert [*accounts_frame({"me": reported}, allowed=True)] == [*frame.columns, "error"]
    for category in ps.PrivacyCategory:
        assert frame.loc[category, "allowed"].split(", ") == list(category.valid_values)


def test_a_parquet_file_keeps_dtypes_account_and_time():
    frame = settings_frame(response(last="all"), account="me")
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    again = pd.read_parquet(buffer)
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs == frame.attrs
    assert set(frame.attrs) == {"account", "fetched_at"}
    assert pd.Timestamp(frame.attrs["fetched_at"]).tz is not None


def test_several_accounts_are_told_apart_by_the_index():
    frame = accounts_frame({"a": response(last="all", online="all"), "b": response(last="none")})
    assert frame.index.names == ["account", "category"]
    assert frame.index.tolist() == [("a", "last"), ("a", "online"), ("b", "last")]
    assert frame.loc[("b", "last"), "exposure"] == 0
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES | {"error": "str"}
    assert accounts_frame({}).index.names == ["account", "category"]


def test_an_account_that_failed_is_a_row_without_a_category():
    frame = accounts_frame({"a": response(last="all")}, {"b": "No answer.", "c": "Refused."})
    assert frame.index.get_level_values("account").tolist() == ["a", "b", "c"]
    assert frame.index.get_level_values("category").isna().tolist() == [False, True, True]
    assert frame["error"].isna().tolist() == [True, False, False]
    assert frame["error"].tolist()[1:] == ["No answer.", "Refused."]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES | {"error": "str"}
    assert frame["exposure"].isna().tolist() == [False, True, True]
    none = accounts_frame({}, {"b": "No answer."})
    assert (len(none), none["error"].tolist()) == (1, ["No answer."])
    assert none["value"].isna().all()


def test_the_clients_docstring_says_what_the_columns_table_says():
    said = ps.Client.fetch_privacy_settings.__doc__
    for column in (*COLUMNS, ALLOWED):
        assert f"``{column.name}`` ({column.dtype})" in said


def test_eighty_columns_show_every_column_with_its_heading():
    """What matters is printed whole, in as many lines as there are settings."""
    longest = {category: category.valid_values[-1] for category in ps.PrivacyCategory}
    for category in ("last", "profile"):
        longest[ps.PrivacyCategory(category)] = ps.PrivacyValue.CONTACT_BLACKLIST
    frame = settings_frame(response(**longest))
    with pd.option_context("display.width", 80):
        lines = repr(frame).splitlines()
    assert len(lines) == len(frame) + 2
    assert lines[0].split() == ["setting", "audience", "exposure", "value"]
    assert max(map(len, lines)) <= 80


def test_with_details_a_table_of_settings_knows_timer_and_lists_wherever_it_goes(tmp_path):
    client = ps.Client.emulated()
    client.exclude("profile", ["+999 11 555 0101", "+999 11 555 0102"])
    client.set_default_disappearing_mode("7d")
    frame = client.fetch_privacy_settings(details=True)
    assert frame.equals(client.fetch_privacy_settings())
    assert (frame.attrs["timer"], frame.attrs["excepted"]) == (604_800, {"profile": 2})
    frame.to_parquet(tmp_path / "settings.parquet")
    assert pd.read_parquet(tmp_path / "settings.parquet").attrs == frame.attrs
    assert ps.Client.replay("tour").fetch_privacy_settings(details=True).attrs["timer"] == 0
