"""The doctor says what is amiss and what to do about it."""

import json
from email.message import Message
from pathlib import Path

import pytest
from commands import Command
from packaging.requirements import Requirement

import privacy_sdk as ps
from privacy_sdk.accounts.backends import describe
from privacy_sdk.cli import doctor
from privacy_sdk.cli.doctor import unmet
from privacy_sdk.support.tokens import gateway_token, token_path
from privacy_sdk.testing import running_gateway

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder where no other test has left a token."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def examine(run: Command):
    def examine(*arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
        code, out, err = run("doctor", "--json", *arguments)
        assert err == ""
        return code, {check["name"]: check for check in json.loads(out)["checks"]}

    return examine


@pytest.fixture
def token_file() -> Path:
    gateway_token()
    return token_path()


def test_with_a_gateway_and_its_token_all_is_well(examine, gateway: str) -> None:
    code, checks = examine()
    assert code == 0
    assert {check["status"] for check in checks.values()} <= {"ok", "absent"}
    assert checks["privacy-sdk"]["detail"] == ps.__version__
    assert checks["token"]["detail"] == "PRIVACY_SDK_TOKEN"
    assert checks["gateway"]["detail"] == f"account demo, connected; {describe('emulated')}"
    assert "tour" in checks["recordings"]["detail"]
    assert checks["extra gateway"]["detail"] == "fastapi, sqlalchemy, uvicorn"


def test_it_says_so_in_lines_too(run: Command) -> None:
    code, out, _ = run("doctor", "--url", NOWHERE)
    assert code == 4
    lines = out.splitlines()
    assert lines[-2:] == [
        f"wrong   gateway: No gateway answers at {NOWHERE}.",
        "        Start a gateway with: privacy-sdk gateway",
    ]
    assert f"ok      privacy-sdk: {ps.__version__}" in lines


def test_a_wrong_token_is_said_and_not_shown(examine, gateway: str, monkeypatch) -> None:
    monkeypatch.setenv("PRIVACY_SDK_TOKEN", "another-one")
    code, checks = examine()
    assert code == 3
    assert checks["gateway"]["status"] == "wrong"
    assert "another-one" not in json.dumps(checks)


def test_no_token_is_no_fault(examine) -> None:
    _, checks = examine("--url", NOWHERE)
    assert checks["token"]["status"] == "absent"
    assert checks["token"]["fix"]


def test_a_gateway_on_this_machine_needs_no_token(examine) -> None:
    account = ps.EmulatedAccount()
    with running_gateway({"demo": account}, token="its-own", is_found=True):
        code, checks = examine()
    assert code == 0
    assert checks["token"]["status"] == "ok"
    assert checks["gateway"]["detail"].startswith("account demo, connected")


def test_the_token_file_is_found(examine, token_file: Path) -> None:
    _, checks = examine("--url", NOWHERE)
    assert (checks["token"]["status"], checks["token"]["detail"]) == (
        "ok",
        f"{token_file}, for a process of yours alone",
    )


@pytest.mark.skipif("os.name != 'posix'")
def test_a_token_file_that_others_can_read_is_wrong(examine, token_file: Path) -> None:
    token_file.chmod(0o644)
    code, checks = examine("--url", NOWHERE)
    assert (code, checks["token"]["status"]) == (2, "wrong")
    assert str(token_file) in checks["token"]["detail"] + checks["token"]["fix"]
    code, checks = examine("--url", NOWHERE, "--token-file", str(token_file))
    assert (code, checks["token"]["fix"]) == (1, f"chmod 600 {str(token_file)!r}")


def test_a_recording_is_looked_at_instead_of_a_gateway(examine, tmp_path: Path) -> None:
    assert examine("--replay", "tour")[1]["recording"]["status"] == "ok"
    (tmp_path / "broken.yaml").write_text("interactions: 7\n")
    code, checks = examine("--replay", str(tmp_path / "broken.yaml"))
    assert (code, checks["recording"]["status"]) == (6, "wrong")


def test_an_emulated_account_needs_neither_gateway_nor_token(examine) -> None:
    code, checks = examine("--emulated")
    assert code == 0
    assert not {"gateway", "token"} & set(checks)


def test_packages_that_are_missing_or_of_another_version_are_named() -> None:
    requirements = [Requirement("no-such-thing>=1"), Requirement("pytest<1"), Requirement("pytest")]
    missing, other = unmet(requirements)
    assert missing == "no-such-thing>=1 is not installed"
    assert other.startswith("pytest is ")
    assert other.endswith(", not <1")


def test_an_extra_that_is_not_installed_is_named_with_the_command_that_installs_it(
    examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = Message()
    needs["Provides-Extra"] = "gateway"
    needs["Requires-Dist"] = "no-such-thing>=1"
    needs["Requires-Dist"] = "nor-this-one; extra == 'gateway'"
    monkeypatch.setattr(doctor, "metadata", lambda package: needs)
    code, checks = examine("--emulated")
    assert checks["extra gateway"]["status"] == "absent"
    detail = 'nor-this-one; extra == "gateway" is not installed'
    assert checks["extra gateway"]["detail"] == detail
    assert checks["extra gateway"]["fix"] == 'pip install "privacy-sdk[gateway]"'
    assert (code, checks["requirements"]["fix"]) == (1, "pip install --upgrade privacy-sdk")
