"""WhatsApp's addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from privacy_sdk.errors import InvalidJidError, shown
from privacy_sdk.errors.masks import mask_digits

_JID = re.compile(
    r"(?P<user>\d{1,20})(?:\.(?P<agent>\d{1,3}))?(?::(?P<device>\d{1,5}))?@(?P<server>[a-z][a-z.]{1,30})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, repr=False)
class Jid:
    """A WhatsApp address, ``user@server`` or ``user:device@server``.

    ``str()`` gives the whole address, ``repr()`` a masked one, so that printing a list of
    records in a notebook shows nobody's number.

    Attributes:
        user: Digits of a phone number or of a LID (WhatsApp's number-free identity).
        server: ``s.whatsapp.net`` for phone numbers, ``lid`` for LIDs.
        device: Number of the linked device; 0 is the phone itself.

    Source:
        ``Jid`` of the specification.

    Example:
        >>> jid = Jid.parse("999115550101:3@s.whatsapp.net")
        >>> jid.device, jid.is_phone, str(jid)
        (3, True, '999115550101:3@s.whatsapp.net')
        >>> jid
        Jid('99•••01:3@s.whatsapp.net')
    """

    user: str
    server: str
    device: int = 0

    LID = "lid"
    PHONE = "s.whatsapp.net"

    def __post_init__(self) -> None:
        if not (
            isinstance(self.user, str)
            and isinstance(self.server, str)
            and isinstance(self.device, int)
            and not isinstance(self.device, bool)
            and 0 <= self.device < 100_000
            and _JID.fullmatch(str(self))
        ):
            given = self.user, self.server, self.device
            raise InvalidJidError(f"{shown(given)} is not a WhatsApp address.")

    @classmethod
    def parse(cls, text: str | Jid) -> Self:
        """Read an address.

        Raises:
            InvalidJidError: Anything but ``digits@server`` with an optional agent and device.
        """
        if isinstance(text, cls):
            return text
        match = _JID.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InvalidJidError(f"{shown(text)} is not a WhatsApp address.")
        user = match["user"] + (f".{match['agent']}" if match["agent"] else "")
        return cls(user, match["server"], int(match["device"] or 0))

    @classmethod
    def phone(cls, number: str) -> Self:
        """The address of a phone number, given as digits with the country code."""
        return cls(number, cls.PHONE)

    @property
    def is_lid(self) -> bool:
        """Whether it is a LID."""
        return self.server == self.LID

    @property
    def is_phone(self) -> bool:
        """Whether it is a phone number."""
        return self.server == self.PHONE

    def _written(self, user: str) -> str:
        return f"{user}{f':{self.device}' if self.device else ''}@{self.server}"

    def _masked(self) -> str:
        return self._written(mask_digits(str(self.user).partition(".")[0]))

    def __str__(self) -> str:
        return self._written(self.user)

    def __repr__(self) -> str:
        return f"Jid({self._masked()!r})"
