"""Settings of many accounts, from their JSON to one DataFrame"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmarks import Row, compare
from privacy_sdk.accounts.emulated.account import SETTINGS
from privacy_sdk.accounts.wire import settings_from_json
from privacy_sdk.views.frames import accounts_frame


def rows(quick: bool) -> Iterator[Row]:
    sizes = {1: 500, 100: 100, 10_000: 5}
    for accounts, rounds in list(sizes.items())[: 2 if quick else None]:
        answers = [answer(number) for number in range(accounts)]
        yield compare(
            f"{accounts:,} account{'s' if accounts > 1 else ''}",
            lambda answers=answers: table(answers),
            "pd.json_normalize, which adds no words",
            lambda answers=answers: normalized(answers),
            rounds=5 if quick else rounds,
            aim="<= 1" if accounts == 10_000 else "",
        )


def answer(number: int) -> dict[str, Any]:
    """What a gateway answers, with the account's name."""
    settings = [{"category": name, "value": value} for name, value in SETTINGS.items()]
    return {"account": f"account-{number}", "settings": settings}


def table(answers: list[dict[str, Any]]) -> pd.DataFrame:
    return accounts_frame({each["account"]: settings_from_json(each) for each in answers})


def normalized(answers: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.json_normalize(answers, record_path="settings", meta="account")
    return frame.set_index(["account", "category"])
