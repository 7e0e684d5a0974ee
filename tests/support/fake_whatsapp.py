"""WhatsApp's side of the socket, for a library that connects for real.

Frames, keys and certificates are the protocol's, by pyaileys' own code seen from the other end,
under a root key of our own. What is asked of the account goes to an :class:`EmulatedServer`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from linked import until_state
from pyaileys.auth.creds import Contact, KeyPair
from pyaileys.constants import WA_ADV_ACCOUNT_SIG_PREFIX, WA_CERT_SERIAL
from pyaileys.crypto import noise
from pyaileys.crypto.curve import DefaultCurve25519Provider
from pyaileys.crypto.hkdf import hmac_sha256
from pyaileys.proto import WAProto_pb2 as proto
from pyaileys.wabinary import decode_binary_node, encode_binary_node
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from privacy_sdk.accounts.base import AccountInfo, AccountState, Capability, LostAnswerError
from privacy_sdk.accounts.emulated.account import CONTACTS, SETTINGS, EmulatedAccount
from privacy_sdk.accounts.emulated.server import EmulatedServer
from privacy_sdk.accounts.journal import MemoryJournal
from privacy_sdk.accounts.nodes import iq, node
from privacy_sdk.accounts.recorded import Recorder
from privacy_sdk.accounts.whatsapp.raw_account import RawAccount
from privacy_sdk.accounts.whatsapp.raw_nodes import from_binary, to_binary
from privacy_sdk.accounts.whatsapp.raw_runtime import KeyFile, RawRuntime
from privacy_sdk.accounts.whatsapp.session import KEY_FILE

NUMBER, LID = "999115550178", "999000000000078"
CURVE = DefaultCurve25519Provider()
ROOT = CURVE.generate_keypair()
PRIVACY = {"privacy", "disappearing_mode", "usync"}


class FakeWhatsApp:
    """A WhatsApp that one account's companion devices connect to.

    Attributes:
        server: What the account is set to, and what goes wrong with answers.
        url: Where to connect to.
        login: What a device that logs in is told; ``<success/>``, or ``<failure …/>``.
        asks_for_passkey: Whether a scan asks for a passkey in place of linking.
        is_silent: Whether requests are left without an answer.
        asked: The requests about the account, as they came.
        logins: How many times a linked device was there, and how many times one to be linked.
    """

    def __init__(self) -> None:
        self.server = EmulatedServer(SETTINGS, CONTACTS)
        self.url = ""
        self.login = node("success", t=1_790_000_000, lid=f"{LID}@lid")
        self.asks_for_passkey = self.is_silent = False
        self.asked: list[Element] = []
        self.logins = {"linked": 0, "new": 0}
        self.lines: list[Line] = []

    @property
    def line(self) -> Line:
        """The connection of now."""
        return self.lines[-1]

    async def connected(self, socket: ServerConnection) -> None:
        line = Line(socket)
        with suppress(ConnectionClosed):
            payload = await line.shake_hands()
            self.lines.append(line)
            if payload.HasField("devicePairingData"):
                self.logins["new"] += 1
                refs = [node("ref") for _ in range(6)]
                for number, ref in enumerate(refs):
                    ref.text = f"2@{number}{'reference' * 20}"
                await line.send(node("iq", node("pair-device", *refs), type="set", id="pair"))
            else:
                self.logins["linked"] += 1
                await line.send(self.login)
            async for request in line.nodes():
                if request.find("pair-device-sign") is not None:
                    await line.send(node("stream:error", code=515))
                elif request.tag == "iq" and request.get("xmlns") in PRIVACY:
                    self.asked.append(request)
                    line.answering(self.answer(line, request))
                elif request.tag == "iq" and request.get("type") in {"get", "set"}:
                    await line.send(_reply(iq("result"), request))

    async def answer(self, line: Line, request: Element) -> None:
        with suppress(LostAnswerError, ConnectionClosed):
            answer = await self.server.ask(request)
            if not self.is_silent:
                await line.send(_reply(answer, request))

    async def scan(self, code: str) -> None:
        """Scan a QR code: the phone signs the device's identity, or asks for a passkey."""
        if self.asks_for_passkey:
            await self.line.send(node("notification", type="passkey_prologue_request", id="n1"))
            return
        # With or without an address in front, and in one library something more behind.
        _ref, _noise, identity, secret, *_ = code.rpartition("#")[2].split(",")
        phone = CURVE.generate_keypair()
        details = proto.ADVDeviceIdentity(rawId=1, timestamp=1, keyIndex=1).SerializeToString()
        message = WA_ADV_ACCOUNT_SIG_PREFIX + details + base64.b64decode(identity)
        signed = proto.ADVSignedDeviceIdentity(
            details=details,
            accountSignatureKey=phone.public,
            accountSignature=CURVE.sign(phone.private, message),
        ).SerializeToString()
        hmac = hmac_sha256(base64.b64decode(secret), signed)
        device = node("device-identity")
        device.text = proto.ADVSignedDeviceIdentityHMAC(
            details=signed, hmac=hmac
        ).SerializeToString()
        where = node("device", jid=f"{NUMBER}:1@s.whatsapp.net", lid=f"{LID}:1@lid")
        success = node("pair-success", device, where, node("platform", name="android"))
        await self.line.send(node("iq", success, type="set", id="linked"))

    async def phone_sets(self, name: str, value: str) -> None:
        """Change a setting on the phone, which linked devices are told of."""
        self.server.put_setting(name, value)
        change = node("privacy", node("category", name=name, value=value))
        await self.line.send(node("notification", change, type="account_sync", id="n2"))


class Line:
    """One connection: Noise frames in and out, seen from the server."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self._noise: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def shake_hands(self) -> Any:
        """Take part in Noise XX as its responder, and return what the client says it is."""
        mine, static = CURVE.generate_keypair(), CURVE.generate_keypair()
        first = bytes(await self.socket.recv()).removeprefix(noise.NOISE_WA_HEADER)
        hello = proto.HandshakeMessage.FromString(first[3:]).clientHello
        # The handler mixes its public key into the transcript first: the client's, on either side.
        self._noise = noise.NoiseHandler(key_pair=KeyPair(hello.ephemeral, mine.private))
        self._noise._sent_intro = True  # only clients begin with one
        self._noise.authenticate(mine.public)
        self._noise.mix_into_key(CURVE.shared_key(mine.private, hello.ephemeral))
        key = self._noise.encrypt(static.public)
        self._noise.mix_into_key(CURVE.shared_key(static.private, hello.ephemeral))
        payload = self._noise.encrypt(_certificate(static))
        await self.socket.send(
            self._noise.encode_frame(
                proto.HandshakeMessage(
                    serverHello={"ephemeral": mine.public, "static": key, "payload": payload}
                ).SerializeToString()
            )
        )
        finish = proto.HandshakeMessage.FromString(bytes(await self.socket.recv())[3:]).clientFinish
        theirs = self._noise.decrypt(finish.static)
        self._noise.mix_into_key(CURVE.shared_key(mine.private, theirs))
        said = proto.ClientPayload.FromString(self._noise.decrypt(finish.payload))
        await self._noise.finish_init()
        keys = self._noise._transport  # the client's view of them
        keys.enc_key, keys.dec_key = keys.dec_key, keys.enc_key
        return said

    async def send(self, element: Element) -> None:
        if element.tag in {"iq", "notification"}:
            element.set("from", "s.whatsapp.net")
        await self.socket.send(self._noise.encode_frame(encode_binary_node(to_binary(element))))

    async def nodes(self) -> AsyncIterator[Element]:
        async for data in self.socket:
            frames: list[bytes] = []
            await self._noise.decode_frame(bytes(data), frames.append)
            for frame in frames:
                yield from_binary(decode_binary_node(frame))

    def answering(self, answer: Any) -> None:
        """Answer beside what else is asked."""
        task = asyncio.create_task(answer)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drop(self) -> None:
        """Break the connection, without a word."""
        self.socket.transport.abort()


def _certificate(leaf: KeyPair) -> bytes:
    chain, details = proto.CertChain(), proto.CertChain.NoiseCertificate.Details
    middle = CURVE.generate_keypair()
    for certificate, key, signer, serial in (
        (chain.leaf, leaf, middle, 1),
        (chain.intermediate, middle, ROOT, WA_CERT_SERIAL),
    ):
        certificate.details = details(
            serial=1, issuerSerial=serial, key=key.public
        ).SerializeToString()
        certificate.signature = CURVE.sign(signer.private, certificate.details)
    return chain.SerializeToString()


def _reply(answer: Element, request: Element) -> Element:
    answer.set("id", request.get("id", ""))
    return answer


@asynccontextmanager
async def fake_whatsapp() -> AsyncIterator[FakeWhatsApp]:
    """A WhatsApp in the running loop, whose root key pyaileys takes for the real one."""
    whatsapp = FakeWhatsApp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "WA_CERT_PUBLIC_KEY", ROOT.public)
        async with serve(whatsapp.connected, "127.0.0.1", 0, close_timeout=0.1) as listening:
            port = listening.sockets[0].getsockname()[1]
            whatsapp.url = f"ws://127.0.0.1:{port}"
            yield whatsapp


class ObservedAccount(RawAccount):
    """A raw account that takes events, which happen at the stand-in that it is connected to."""

    def __init__(self, whatsapp: FakeWhatsApp, folder: Path, **options: Any) -> None:
        self.server = whatsapp.server
        self.recorder = Recorder("me", MemoryJournal())
        self.folder = folder / "me"
        options = {"timeout": 5.0, "pause": lambda failures: 0.0, **options}
        super().__init__(
            "me",
            folder=self.folder,
            runtime=lambda path: RawRuntime(path, url=whatsapp.url),
            **options,
        )

    async def info(self) -> AccountInfo:
        info = await super().info()
        return replace(info, capabilities=info.capabilities | {Capability.EMULATE})

    emulate = EmulatedAccount.emulate


def link_by_hand(folder: Path) -> None:
    """Write the keys of a link that was made before."""
    (folder / "me").mkdir(mode=0o700, exist_ok=True)
    keys = KeyFile(folder / "me" / KEY_FILE)
    keys.creds.me = Contact(id=f"{NUMBER}:1@s.whatsapp.net", lid=f"{LID}:1@lid")
    keys.save()


@asynccontextmanager
async def raw_account_of(
    whatsapp: FakeWhatsApp,
    folder: Path,
    *,
    linked: bool = True,
    state: AccountState | None = None,
    **options: Any,
) -> AsyncIterator[ObservedAccount]:
    """An account at a stand-in, in the state that it settles in, or in another."""
    if linked:
        link_by_hand(folder)
    account = ObservedAccount(whatsapp, folder, **options)
    usual = AccountState.CONNECTED if linked else AccountState.WAITING_FOR_SCAN
    try:
        await until_state(account, state or usual)
        yield account
    finally:
        await account.aclose()
