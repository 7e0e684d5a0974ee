"""The session of a linked phone on this machine: its keys, and the versions of its lists."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privacy_sdk.errors import PrivacyError
from privacy_sdk.support.files import (
    SharedFileError,
    as_path,
    data_folder,
    make_private_folder,
    refuse_shared,
    write_private,
)
from privacy_sdk.support.gateways import checked_account

if TYPE_CHECKING:
    from filelock import BaseFileLock

logger = logging.getLogger("privacy_sdk.accounts")

DATABASE = "session.db"
"""The keys of tryx."""
KEY_FILE = "session.json"
"""The keys of the raw backend."""
_DHASHES, _BAN = "dhashes.json", "ban.json"


class Session:
    """The files of one linked phone, which are their owner's alone and one process's at a time.

    Example:
        >>> Session("me").folder.name
        'me'
    """

    def __init__(self, account: str, folder: Path | None = None, keys: str = DATABASE) -> None:
        self.account = str(checked_account(account or ""))
        kept = data_folder() / "sessions"
        self.folder = kept / self.account if folder is None else as_path(folder).absolute()
        self._keys = self.folder / keys
        self._lock: BaseFileLock | None = None

    def open(self) -> Path:
        """Lock the session for this process and open it.

        Returns:
            The file of keys; a database is made if it is not there.

        Raises:
            PrivacyError: Another process holds it, others could have read it, it cannot be
                written, or its database is broken or of another program.
        """
        try:
            make_private_folder(self.folder)
            refuse_shared(self.folder, self.folder.stat())
            self._take_lock()
            if self._keys.name == DATABASE:
                # SQLite gives its other files the mode of the database.
                os.close(os.open(self._keys, os.O_CREAT | os.O_RDWR, 0o600))
            if self._keys.exists():
                refuse_shared(self._keys, self._keys.stat())
            if self._keys.name == DATABASE:
                _check(self._keys)
        except PrivacyError:
            self.close()
            raise
        except SharedFileError as error:
            self.close()
            raise PrivacyError(
                f"{error}; whoever did can act as the linked device.",
                hint="End the link on the phone (WhatsApp > Linked devices), delete "
                f"{str(self.folder)!r}, and link again.",
            ) from None
        except OSError as error:
            self.close()
            raise PrivacyError(
                f"The session in {self.folder} cannot be used: {error.strerror or error}.",
                hint="The folder must belong to you and be writable.",
            ) from None
        return self._keys

    def close(self) -> None:
        """Release the session to other processes."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def remove(self) -> None:
        """Delete the keys and all that is known of the phone.

        Raises:
            PrivacyError: Another process holds the session, or the files cannot be deleted.
        """
        if not self.folder.is_dir():
            return
        was_held = self._lock is not None
        try:
            self._take_lock()
            for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", KEY_FILE, _DHASHES):
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise PrivacyError(
                f"The session in {self.folder} cannot be deleted: {error.strerror or error}.",
                hint="Stop the gateway and try again.",
            ) from None
        finally:
            if not was_held:
                self.close()

    def read_dhashes(self) -> dict[str, str]:
        """Return the version of each list after its last change; what cannot be read is empty."""
        kept = self._read(_DHASHES)
        return {
            category: dhash
            for category, dhash in (kept.items() if isinstance(kept, dict) else ())
            if isinstance(dhash, str) and dhash
        }

    def write_dhashes(self, dhashes: Mapping[str, str]) -> None:
        """Write the versions of the lists; a failure is logged, for the change itself stands."""
        self._write(_DHASHES, dhashes)

    @property
    def banned_until(self) -> datetime | None:
        """When the ban ends that was in force last; it outlives the link and the process."""
        try:
            until = datetime.fromisoformat(self._read(_BAN))
        except (TypeError, ValueError):
            return None
        return until if until.tzinfo else None

    @banned_until.setter
    def banned_until(self, until: datetime) -> None:
        self._write(_BAN, until.isoformat())

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def _write(self, name: str, document: object) -> None:
        try:
            write_private(self.folder / name, json.dumps(document).encode())
        except OSError as error:
            fields = {"file": name, "reason": str(error.strerror)}
            logger.warning("not kept", extra={"fields": fields})

    def _take_lock(self) -> None:
        from filelock import FileLock, Timeout

        if self._lock is None:
            lock = FileLock(self.folder / "lock", timeout=0, mode=0o600, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                raise PrivacyError(
                    f"Another process uses the session of {self.account!r}.",
                    hint="One gateway at a time: stop the other one, or use it.",
                ) from None
            self._lock = lock


def _check(database: Path) -> None:
    """Refuse what tryx would block the whole process over, for 30 s, or write its tables into."""
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        finally:
            connection.close()
    except sqlite3.Error as error:
        found, names = str(error), set()
    if found != "ok" or (names and "__diesel_schema_migrations" not in names):
        what = f"broken ({found})" if found != "ok" else "of another program"
        raise PrivacyError(
            f"The session file {database} is {what}.",
            hint=f"privacy-sdk unlink {database.parent.name} deletes it; then link again.",
        )
