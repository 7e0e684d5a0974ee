"""The account of a linked phone, by WhatsApp's own nodes over a socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

from privacy_sdk.accounts.base import AccountInfo
from privacy_sdk.accounts.nodes import ProtocolAccount
from privacy_sdk.accounts.whatsapp.linked import ANSWER_DUE, LinkedAccount
from privacy_sdk.accounts.whatsapp.raw_runtime import RawRuntime
from privacy_sdk.accounts.whatsapp.session import KEY_FILE
from privacy_sdk.accounts.whatsapp.supervisor import backoff
from privacy_sdk.errors.public import set_module


@set_module("privacy_sdk.accounts")
class RawAccount(LinkedAccount, ProtocolAccount):
    """The account of a phone that is linked as WhatsApp Web is, through pyaileys; experimental.

    Beyond what tryx offers it reads lists and the default timer, keeps and sets names that are
    newer than the specification, sees both shapes of refusal, and is told of changes made on the
    phone. Its sessions are not those of tryx: a phone is linked for it anew.

    Args:
        id: Its name on a gateway, and that of its session on this machine.
        folder: Where the session is kept; the platform's folder for user data by default.
        timeout: How long WhatsApp may take to answer [s].
        runtime: Makes what connects, out of the path of its keys; pyaileys by default.
        pause: How long to wait before connecting again, after so many failures in a row [s].

    Raises:
        PrivacyError: The extra ``raw`` is not installed.

    Source:
        pyaileys 0.1.5, tried against a stand-in of WhatsApp's socket, never on WhatsApp itself.

    Example:
        >>> RawAccount("me")
        RawAccount('me')
    """

    backend, keys = "raw", KEY_FILE

    def __init__(
        self,
        id: str = "me",
        *,
        folder: Path | None = None,
        timeout: float = ANSWER_DUE,
        runtime: Callable[[Path], RawRuntime] = RawRuntime,
        pause: Callable[[int], float] = backoff,
    ) -> None:
        LinkedAccount.__init__(self, id, folder=folder, timeout=timeout, pause=pause)
        ProtocolAccount.__init__(self, AccountInfo(self.id, self.backend), self._send)
        self._runtime_of = runtime

    def _open(self, keys: Path) -> RawRuntime:
        return self._runtime_of(keys)

    def _forget(self) -> None:
        self._reported = None
        super()._forget()

    async def _send(self, request: Element) -> Element:
        runtime: RawRuntime = await self._runtime()
        return await runtime.ask(request, self._timeout)

    async def _answer(self, request: Element, *, inside: bool = True) -> Element:
        with self._hold:
            return await super()._answer(request, inside=inside)
