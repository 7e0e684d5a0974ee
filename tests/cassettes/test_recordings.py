"""The committed recordings: made by today's gateway, and played to their end by what shows them."""

import importlib.util
import sys
from pathlib import Path

import pytest

import privacy_sdk as ps
from privacy_sdk.cassettes.transport import CassetteTransport

ROOT = Path(__file__).parents[2]
CASSETTES = sorted((ROOT / "cassettes").rglob("*.yaml"))


def recorder():
    spec = importlib.util.spec_from_file_location("record", ROOT / "tools" / "record.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["record"] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


RECORD = recorder()


def replayed(name: str) -> tuple[ps.Client, CassetteTransport]:
    transport = CassetteTransport(ROOT / "cassettes" / f"{name}.yaml")
    account = ps.HttpAccount(account=transport.account, transport=transport, offline=True)
    return ps.Client.from_account(account), transport


def test_every_cassette_has_a_recording_that_makes_it():
    assert {path.stem for path in CASSETTES} == set(RECORD.RECORDINGS)


@pytest.mark.parametrize("name", RECORD.RECORDINGS)
def test_every_cassette_is_what_the_gateway_answers_today(name):
    assert not RECORD.differs(name), "make record"


@pytest.mark.parametrize("name", RECORD.RECORDINGS)
def test_a_session_plays_all_that_was_recorded_of_it(name):
    client, transport = replayed(name)
    RECORD.RECORDINGS[name].session(client)
    assert transport.unplayed() == []


def test_the_tours_notebook_plays_all_that_was_recorded():
    client, transport = replayed("tour")
    RECORD.notebook("01_tour.ipynb")(client)
    assert transport.unplayed() == []
