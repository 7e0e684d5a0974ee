"""Who sees what, in a kernel: from the call to its display"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks import Row
from benchmarks.panel import Kernel

SIDES = "display(client.visibility())", "display(client.fetch_privacy_settings())"


def rows(quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 60
    with Kernel() as kernel:
        kernel.run("import privacy_sdk as ps; client = ps.Client.emulated()")
        took: tuple[list[float], list[float]] = [], []
        for _ in range(rounds + 3):
            for side, code in zip(took, SIDES, strict=True):
                side.append(kernel.run(code))
    ours, frame = (statistics.median(side[3:]) * 1e3 for side in took)
    what = "client.visibility() to display: settings and timer"
    yield Row(what, ours, "the settings as a DataFrame", frame, "ms", "<= 1.5")
