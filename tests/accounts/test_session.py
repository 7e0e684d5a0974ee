"""The session of a linked phone: its owner's alone, one process's at a time, broken or not."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.whatsapp.session import DATABASE, Session

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


@pytest.fixture
def session(tmp_path):
    made = Session("me", tmp_path / "me")
    yield made
    made.close()


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@posix
def test_folder_and_files_are_their_owners_alone_whatever_the_umask(session):
    before = os.umask(0)
    try:
        with closing(sqlite3.connect(session.open())) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE __diesel_schema_migrations (version)")
            connection.commit()
            made = sorted(path.name for path in session.folder.iterdir())
            assert made == ["lock", "session.db", "session.db-shm", "session.db-wal"]
            assert {mode(path) for path in session.folder.iterdir()} == {"0o600"}
        connection.close()
    finally:
        os.umask(before)
    assert mode(session.folder) == "0o700"


def test_it_is_kept_in_the_folder_for_user_data():
    folder = Session("me").folder
    assert folder.parts[-3:] == ("privacy-sdk", "sessions", "me")
    assert folder.is_relative_to(os.environ["XDG_DATA_HOME"]) or os.name != "posix"


@pytest.mark.parametrize("account", ["..", "", "a/b", None, "me\n"])
def test_an_account_names_no_other_folder(account):
    with pytest.raises(ps.InvalidInputError):
        Session(account)


def test_a_second_holder_is_told_of_the_first(session):
    session.open()
    with pytest.raises(ps.PrivacyError, match="Another process uses the session of 'me'") as caught:
        Session("me", session.folder).open()
    assert caught.value.hint
    session.close()
    again = Session("me", session.folder)
    assert again.open().name == DATABASE
    again.close()


def test_a_process_that_was_killed_holds_nothing(session):
    hold = (
        "import sys, time; from pathlib import Path;"
        "from privacy_sdk.accounts.whatsapp.session import Session;"
        "held = Session('me', Path(sys.argv[1])); held.open();"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(session.folder)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ps.PrivacyError, match="Another process"):
            session.open()
        process.kill()
    assert session.open().exists()


@posix
@pytest.mark.parametrize("shared", [".", DATABASE])
def test_what_others_could_have_read_is_refused_and_says_what_that_means(session, shared):
    session.open()
    session.close()
    (session.folder / shared).chmod(0o755)
    with pytest.raises(ps.PrivacyError, match="may have been read by other users") as caught:
        session.open()
    assert "End the link on the phone" in caught.value.hint
    assert mode(session.folder / shared) == "0o755"  # not repaired in silence


@posix
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root gives files away")
def test_a_session_of_another_user_is_refused(session):
    session.open()
    session.close()
    os.chown(session.folder / DATABASE, 12345, 12345)
    with pytest.raises(ps.PrivacyError, match="other users"):
        session.open()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ps.PrivacyError, match="cannot be used") as caught:
        Session("me", tmp_path / "file" / "me").open()
    assert caught.value.hint


def tryx_database(path: Path) -> bytes:
    """A session as tryx makes it."""
    from privacy_sdk.accounts.whatsapp.tryx_runtime import open_tryx

    open_tryx(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert path.stat().st_size > 50_000
    return path.read_bytes()


@pytest.mark.parametrize(
    "broken",
    [
        lambda good: b"no database" * 500,
        lambda good: good[:5000],
        lambda good: good[:100],
        lambda good: good[:4096] + b"\xff" * (len(good) - 4096),
    ],
    ids=["garbage", "cut short", "header only", "overwritten"],
)
def test_a_broken_session_is_refused_before_tryx_blocks_on_it(session, tmp_path, broken):
    good = tryx_database(tmp_path / "good.db")
    session.open().write_bytes(broken(good))
    session.close()
    with pytest.raises(ps.PrivacyError, match="is broken") as caught:
        session.open()
    assert "privacy-sdk unlink me" in caught.value.hint
    session.remove()
    assert session.open().stat().st_size == 0


def test_a_session_that_tryx_made_is_taken(session):
    tryx_database(session.open())
    session.close()
    assert session.open().stat().st_size > 0


def test_the_database_of_another_program_is_refused_and_left_as_it_is(session):
    with closing(sqlite3.connect(session.open())) as connection, connection:
        connection.execute("CREATE TABLE places (url)")
    connection.close()
    session.close()
    before = (session.folder / DATABASE).read_bytes()
    with pytest.raises(ps.PrivacyError, match="of another program"):
        session.open()
    assert (session.folder / DATABASE).read_bytes() == before


def test_a_folder_that_is_no_database_is_refused(session):
    (session.folder / DATABASE).mkdir(parents=True, mode=0o700)
    session.folder.chmod(0o700)
    with pytest.raises(ps.PrivacyError, match="cannot be used"):
        session.open()


def test_removing_deletes_the_keys_and_all_that_is_known(session):
    tryx_database(session.open())
    session.write_dhashes({"last": "1"})
    session.remove()
    assert [path.name for path in session.folder.iterdir()] == ["lock"]
    assert session.read_dhashes() == {}
    with pytest.raises(ps.PrivacyError, match="Another process"):
        Session("me", session.folder).open()  # whoever held it still does


def test_removing_what_another_process_holds_is_refused(session):
    session.open()
    with pytest.raises(ps.PrivacyError, match="Another process"):
        Session("me", session.folder).remove()
    assert (session.folder / DATABASE).exists()


def test_removing_nothing_is_nothing(session):
    session.remove()
    assert not session.folder.exists()


def test_dhashes_are_kept_from_one_process_to_the_next(session):
    session.open()
    session.write_dhashes({"last": "1", "profile": "2"})
    assert Session("me", session.folder).read_dhashes() == {"last": "1", "profile": "2"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"last": 7}', '{"last": ""}', "\ud800"])
def test_dhashes_that_cannot_be_read_are_none_at_all(session, content):
    session.open()
    file = session.folder / "dhashes.json"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert session.read_dhashes() == {}


def test_a_disk_that_takes_no_dhash_spoils_no_change(session, caplog):
    session.open()
    (session.folder / "dhashes.json").mkdir()
    session.write_dhashes({"last": "1"})
    assert "not kept" in caplog.text
