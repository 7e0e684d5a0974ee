"""Files that are written whole or not at all, and private ones that stay private."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

import privacy_sdk as ps
from privacy_sdk.accounts.whatsapp.session import Session
from privacy_sdk.cassettes.appender import Appender
from privacy_sdk.support.files import write_atomic, write_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")

POLICY = ps.Policy(exceptions={"profile": ["+999 11 555 0101"]})
BOTH = pytest.mark.parametrize("write", [write_private, write_atomic])


def mode(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.yaml"


@pytest.fixture
def open_file(path):
    """A file that everybody can read."""
    path.write_text("old")
    path.chmod(0o644)
    return path


def dhashes(path):
    session = Session("me", path.parent)
    path.rename(path.with_name("dhashes.json"))
    session.write_dhashes({"last": "1"})
    path.with_name("dhashes.json").rename(path)


@pytest.mark.parametrize(
    "write",
    [lambda path: write_private(path, b"secret"), POLICY.save, dhashes],
    ids=["write_private", "Policy.save", "Session.write_dhashes"],
)
def test_a_private_file_takes_the_place_of_one_that_others_could_read(open_file, write):
    with open_file.open() as held_by_others:
        write(open_file)
        assert mode(open_file) == "0o600"
        assert held_by_others.read() == "old"
    assert open_file.read_text() != "old"


@pytest.mark.parametrize("target", ["exists", "is missing"])
def test_a_private_file_is_not_written_through_a_link(path, tmp_path, target):
    victim = tmp_path / "victim"
    if target == "exists":
        victim.write_text("old")
    path.symlink_to(victim)
    with pytest.raises(ps.InvalidInputError, match=r"mine.yaml' cannot be written: It is a link"):
        POLICY.save(path)
    assert path.is_symlink()
    assert (victim.read_text() if victim.exists() else "old") == "old"
    assert victim.exists() == (target == "exists")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "'' is not a path"),
        (5, "5 is not a path"),
        ("a\0b", "is not a path"),
        ("no/where.yaml", "No such file or directory"),
        (".", "It is no regular file"),
        ("/dev/null", "It is no regular file"),
    ],
)
def test_a_policy_that_cannot_be_saved_says_why_and_what_next(tmp_path, monkeypatch, given, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ps.InvalidInputError, match=why) as caught:
        POLICY.save(given)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


@BOTH
@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_a_new_file_has_the_mode_that_is_meant_whatever_the_umask(path, write, umask):
    before = os.umask(umask)
    try:
        write(path, b"new")
    finally:
        os.umask(before)
    assert mode(path) == oct(0o600 if write is write_private else 0o666 & ~umask)


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755])
def test_an_atomic_file_keeps_its_mode_and_the_link_to_it(path, tmp_path, kept):
    path.write_text("old")
    path.chmod(kept)
    link = tmp_path / "link"
    link.symlink_to(path)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert (path.read_text(), mode(path)) == ("new", oct(kept))


def test_a_recording_keeps_its_mode_and_the_link_to_it(path, tmp_path):
    path.touch()
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    file = Appender(link, b"", replace=True)
    file.append(b"old")
    file.append(b"new")
    file.blank(0, 3)
    file.close()
    assert link.is_symlink()
    assert (path.read_text(), mode(path)) == ("new", "0o640")


@BOTH
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(path, monkeypatch, write):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, b"new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


@BOTH
@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(path, write):
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        write(path, b"new")
    assert path.read_text() == "old"


@BOTH
@pytest.mark.parametrize("has_links", [True, False])
def test_of_many_who_make_a_file_one_does(path, monkeypatch, write, has_links):
    def unsupported(*args):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    if not has_links:
        monkeypatch.setattr("os.link", unsupported)

    def make(name):
        try:
            write(path, name, replace=False)
        except FileExistsError:
            return None
        return name

    with ThreadPoolExecutor(8 if has_links else 1) as pool:
        made = [name for name in pool.map(make, [b"%d" % n for n in range(8)]) if name]
    assert made == [path.read_bytes()]
    assert list(path.parent.iterdir()) == [path]


def test_a_name_as_long_as_a_name_may_be_is_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_atomic(path, b"new")
    write_private(path, b"newer")
    assert path.read_bytes() == b"newer"
