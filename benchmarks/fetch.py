"""A fetch over loopback, and the loop thread that it crosses."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pandas as pd
from anyio.from_thread import start_blocking_portal

import privacy_sdk as ps
from benchmarks import Row, in_turn
from benchmarks.servers import TOKEN, gateway
from privacy_sdk.accounts.wire import settings_from_json
from privacy_sdk.support.loop import LOOP
from privacy_sdk.views.frames import settings_frame

PATH = "/v1/accounts/demo/privacy"


def rows(quick: bool) -> Iterator[Row]:
    yield from _fetches(30 if quick else 800)
    yield _loop_thread(100 if quick else 5_000)


def _fetches(rounds: int) -> Iterator[Row]:
    with gateway() as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = ps.Client(url, token=TOKEN, account="demo")
        by_hand = httpx2.Client(base_url=url, headers=headers)
        floor = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False)

        async def get() -> object:
            return (await floor.get(PATH)).json()

        def on_the_floor() -> pd.DataFrame:
            return settings_frame(settings_from_json(LOOP.run(get)), account="demo")

        def written_by_hand() -> pd.DataFrame:
            return pd.DataFrame(by_hand.get(PATH).json()["settings"])

        ours, hand, least = (
            sorted(times)[rounds // 2] * 1e3
            for times in in_turn(
                client.fetch_privacy_settings, written_by_hand, on_the_floor, rounds=rounds
            )
        )
        client.close()
        by_hand.close()
        LOOP.run(floor.aclose)
    what = "fetch to DataFrame"
    yield Row(what, ours, "httpx2's sync client by hand", hand, "ms", "<= 1.3")
    yield Row(what, ours, "its floor: loop thread + httpx2 async + frame", least, "ms", "<= 1.15")


def _loop_thread(rounds: int) -> Row:
    async def nothing() -> None:
        pass

    with start_blocking_portal() as portal:
        ours, theirs = (
            sorted(times)[rounds // 2] * 1e6
            for times in in_turn(
                lambda: LOOP.run(nothing), lambda: portal.call(nothing), rounds=rounds
            )
        )
    return Row("a call that does nothing", ours, "anyio's portal", theirs, "µs", "<= 0.8")
