"""The command that checks what is installed, found and reached, and how to fix it: doctor."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from privacy_sdk.accounts.backends import describe
from privacy_sdk.cli import output
from privacy_sdk.cli.options import Options, options_of
from privacy_sdk.errors import PrivacyError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_PACKAGE = "privacy-sdk"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        status: ``ok``, ``absent`` for what one can do without, or ``wrong``.
        detail: What was found.
        fix: What to do; empty when there is nothing to do.
        exit_code: 0 unless it is wrong.
    """

    name: str
    status: str
    detail: str
    fix: str = ""
    exit_code: int = 0

    def __str__(self) -> str:
        line = f"{self.status:<7} {self.name}: {self.detail}"
        return f"{line}\n{'':7} {self.fix}" if self.fix else line


def doctor(context: typer.Context) -> None:
    """Check versions, extras, token and gateway, and say what to fix."""
    options = options_of(context)
    found = list(checks(options))
    if options.json:
        output.write_json({"checks": [asdict(check) for check in found]})
    else:
        output.write("\n".join(map(str, found)))
    raise typer.Exit(next((check.exit_code for check in found if check.exit_code), 0))


def checks(options: Options) -> Iterator[Check]:
    """Every check, in the order in which one would fix them."""
    yield Check("python", "ok", platform.python_version())
    yield Check(_PACKAGE, "ok", version(_PACKAGE))
    yield _packages("requirements", "", "wrong", f"pip install --upgrade {_PACKAGE}")
    for extra in metadata(_PACKAGE).get_all("Provides-Extra") or ():
        fix = f'pip install "{_PACKAGE}[{extra}]"'
        yield _packages(f"extra {extra}", extra, "absent", fix)
    yield _recordings()
    if options.replay is not None:
        yield _recording(options)
    elif options.emulated:
        yield Check("account", "ok", "emulated, made up on the spot")
    else:
        yield _token(options)
        yield _gateway(options)


def _required(extra: str) -> list[Requirement]:
    from packaging.requirements import Requirement

    requirements = map(Requirement, metadata(_PACKAGE).get_all("Requires-Dist") or ())
    return [
        requirement
        for requirement in requirements
        if (
            requirement.marker is None
            if not extra
            else requirement.marker is not None and requirement.marker.evaluate({"extra": extra})
        )
    ]


def unmet(requirements: Iterable[Requirement]) -> list[str]:
    """The requirements that what is installed does not meet, each with what is there instead."""
    faults = []
    for requirement in requirements:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            faults.append(f"{requirement} is not installed")
        else:
            if not requirement.specifier.contains(found, prereleases=True):
                faults.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    return faults


def _packages(name: str, extra: str, if_unmet: str, fix: str) -> Check:
    needed = _required(extra)
    if faults := unmet(needed):
        return Check(name, if_unmet, "; ".join(faults), fix, exit_code=int(if_unmet == "wrong"))
    if not extra:
        return Check(name, "ok", f"{len(needed)} packages, each of a version that fits")
    return Check(name, "ok", ", ".join(requirement.name for requirement in needed))


def _recordings() -> Check:
    from privacy_sdk.cassettes.file import bundled_recordings

    if names := bundled_recordings():
        return Check("recordings", "ok", ", ".join(names))
    fix = f"pip install --force-reinstall {_PACKAGE}"
    return Check("recordings", "wrong", "those of the package are gone", fix, exit_code=6)


def _recording(options: Options) -> Check:
    try:
        return Check("recording", "ok", repr(options.client()))
    except PrivacyError as error:
        return _wrong("recording", error)


def _token(options: Options) -> Check:
    from privacy_sdk.support.gateways import given_or_env, is_loopback
    from privacy_sdk.support.tokens import (
        ENVIRONMENT,
        stored_token,
        token_in_environment,
        token_path,
    )

    url = given_or_env(options.url, "PRIVACY_SDK_URL", None)
    try:
        if options.token_file is not None:
            options.token()
            where = str(options.token_file)
            if os.name == "posix" and stat.S_IMODE(options.token_file.stat().st_mode) & 0o077:
                return Check(
                    "token", "wrong", f"others can read {where}", f"chmod 600 {where!r}", 1
                )
            return Check("token", "ok", where)
        if token_in_environment():
            return Check("token", "ok", ENVIRONMENT)
        if url is None:
            return Check("token", "ok", "none is needed for yours on this machine")
        if is_loopback(urlsplit(url).hostname) and stored_token():
            return Check("token", "ok", f"{token_path()}, for a process of yours alone")
    except PrivacyError as error:
        return _wrong("token", error)
    return Check("token", "absent", f"none for {url}", f"Set {ENVIRONMENT}.")


def _gateway(options: Options) -> Check:
    try:
        info = options.run(lambda client: client.info())
    except PrivacyError as error:
        return _wrong("gateway", error)
    detail = f"account {info.id}, {info.state}; {describe(info.backend)}"
    return Check("gateway", "ok", detail)


def _wrong(name: str, error: PrivacyError) -> Check:
    return Check(name, "wrong", error.message, error.hint, output.exit_code(error))
