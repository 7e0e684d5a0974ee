"""An account of a linked phone: its session and its state, whatever library connects it."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from privacy_sdk.accounts.backends import BACKENDS
from privacy_sdk.accounts.base import AccountInfo, LinkStatus
from privacy_sdk.accounts.whatsapp.hold import Hold
from privacy_sdk.accounts.whatsapp.runtime import Runtime
from privacy_sdk.accounts.whatsapp.session import Session
from privacy_sdk.accounts.whatsapp.supervisor import Supervisor
from privacy_sdk.errors import NotConnectedError, PrivacyError, UsageError
from privacy_sdk.errors.masks import DOTS
from privacy_sdk.support.gateways import checked_timeout

ANSWER_DUE = 20.0
"""How long WhatsApp may take to answer [s]; below what gateway and clients allow."""


class LinkedAccount(ABC):
    """The account of a phone that is linked as WhatsApp Web is.

    It connects in the background once it is started or asked something; until it is connected
    every operation fails at once, with what to do. One process at a time holds the session.

    Raises:
        PrivacyError: The extra that it needs is not installed.
    """

    backend: ClassVar[str]
    keys: ClassVar[str]

    def __init__(
        self,
        id: str,
        *,
        folder: Path | None,
        timeout: float,
        pause: Callable[[int], float],
    ) -> None:
        known = BACKENDS[self.backend]
        for module in (known.module, "segno"):
            if importlib.util.find_spec(module) is None:
                raise PrivacyError(
                    f"A linked phone needs {module}, which is not installed.",
                    hint=f'pip install "privacy-sdk[{known.extra}]"',
                )
        self._session = Session(id, folder, self.keys)
        self.id = self._session.account
        self._timeout = checked_timeout(timeout)
        self._supervisor = Supervisor(
            self._session,
            open_runtime=lambda: self._open(self._session.open()),
            forget=self._forget,
            words={"library": known.library, "extra": known.extra},
            pause=pause,
        )
        self._hold = Hold()
        self._is_started = self._is_closed = False

    @abstractmethod
    def _open(self, keys: Path) -> Runtime:
        """Make what runs sessions, out of the file of keys."""

    def _forget(self) -> None:
        """Delete the keys, and what is known of the phone: the next one may be another."""
        self._session.remove()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"

    async def start(self) -> None:
        """Begin to connect, unless that was done; again in another event loop.

        Raises:
            UsageError: The account is closed.
        """
        if self._is_closed:
            raise UsageError("The account is closed.", hint="Make a new one.")
        if self._is_started:
            self._supervisor.resume()
        else:
            self._is_started = True
            self._supervisor.ask()

    async def info(self) -> AccountInfo:
        """Return where it stands, what to do next, and what it can do."""
        await self.start()
        state, hint = self._supervisor.state, self._supervisor.hint
        if left := self._hold.left:
            hint += (
                f" WhatsApp was asked too often; nothing is asked of it for another {left:.0f} s."
            )
        return AccountInfo(self.id, self.backend, state, BACKENDS[self.backend].capabilities, hint)

    async def link_status(self) -> LinkStatus:
        """Return how far a phone is linked, with the QR code of the moment."""
        await self.start()
        code = self._supervisor.code()
        phone = self._supervisor.phone()
        return LinkStatus(
            self._supervisor.state,
            self._supervisor.hint,
            qr=code and code[0],
            expires_in=code and code[1],
            linked_as=phone and f"+{phone[:2]} {DOTS} {phone[-2:]}",
        )

    async def link(self) -> LinkStatus:
        """Connect, with a QR code to scan if no phone is linked; again after the link ended."""
        await self.start()
        self._supervisor.ask()
        return await self.link_status()

    async def unlink(self) -> LinkStatus:
        """Delete the keys; the device is to be removed on the phone as well.

        Raises:
            PrivacyError: Another process holds the session.
        """
        self._is_started = True
        await self._supervisor.unlink()
        return await self.link_status()

    async def aclose(self) -> None:
        """Disconnect, and release the session to other processes."""
        self._is_closed = True
        await self._supervisor.stop()
        self._session.close()

    async def _runtime(self) -> Any:
        """Return what answers questions.

        Raises:
            NotConnectedError: Nothing does at the moment.
        """
        await self.start()
        if (runtime := self._supervisor.runtime) is None:
            state = self._supervisor.state.replace("_", " ")
            raise NotConnectedError(
                f"The account is not connected to WhatsApp ({state}).", hint=self._supervisor.hint
            )
        return runtime
