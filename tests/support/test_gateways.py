"""What an address, an environment and a time to wait may be."""

import math

import pytest

from privacy_sdk.errors import InvalidInputError
from privacy_sdk.support.gateways import checked_url, checked_wait, given_or_env


@pytest.mark.parametrize("given", ["ana@", "ana:s3cret@", ":s3cret@"])
def test_an_address_holds_no_name_and_no_password(given):
    with pytest.raises(InvalidInputError, match="no password") as caught:
        checked_url(f"https://{given}gateway.example")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("wait", [math.inf, math.nan, -1, True, "1", None])
def test_a_wait_is_a_number_of_seconds_that_end(wait):
    with pytest.raises(InvalidInputError):
        checked_wait(wait)
    assert checked_wait(0) == 0


def test_what_is_given_comes_before_the_environment_and_that_before_the_default(monkeypatch):
    monkeypatch.delenv("PRIVACY_SDK_ACCOUNT", raising=False)
    assert given_or_env(None, "PRIVACY_SDK_ACCOUNT", "default") == "default"
    monkeypatch.setenv("PRIVACY_SDK_ACCOUNT", "env")
    assert given_or_env(None, "PRIVACY_SDK_ACCOUNT", "default") == "env"
    assert given_or_env("given", "PRIVACY_SDK_ACCOUNT", "default") == "given"
