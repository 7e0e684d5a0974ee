"""What the package costs, beside what one would do without it.

``python -m benchmarks`` writes ``benchmarks/RESULTS.md``. Every module here that has a function
``rows(quick: bool) -> Iterable[Row]`` is a section of it; the first line of its docstring is
the heading. To add a comparison, yield another :class:`Row` from :func:`compare`::

    def rows(quick: bool) -> Iterator[Row]:
        yield compare(
            "parse a policy", parse, "yaml.safe_load", load, rounds=20 if quick else 500, aim="<= 2"
        )

Both sides are measured in one run, call by call in turn, so that a busy machine slows both.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of ours beside another one.

    Attributes:
        what: What was measured.
        ours: Our figure, a median unless ``what`` says otherwise.
        beside: What it is compared with.
        theirs: The other figure.
        unit: Of both.
        aim: What the ratio ours ÷ theirs ought to be, as ``"<= 2.0"`` or ``">= 0.8"``.
        note: Why an aim is missed, or what else to know.
    """

    what: str
    ours: float
    beside: str
    theirs: float
    unit: str
    aim: str = ""
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours ÷ theirs."""
        return self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if not self.aim:
            return None
        relation, bound = self.aim.split()
        return self.ratio <= float(bound) if relation == "<=" else self.ratio >= float(bound)


def in_turn(*calls: Callable[[], object], rounds: int, warm_up: int = 3) -> list[list[float]]:
    """How long each call takes [s], round by round, each round in another order.

    Args:
        calls: What to measure.
        rounds: How often.
        warm_up: How often before, unmeasured.
    """
    for _ in range(warm_up):
        for call in calls:
            call()
    times: list[list[float]] = [[] for _ in calls]
    gc.collect()
    for turn in range(rounds):
        for step in range(len(calls)):
            place = (turn + step) % len(calls)
            start = time.perf_counter()
            calls[place]()
            times[place].append(time.perf_counter() - start)
    return times


def compare(
    what: str,
    ours: Callable[[], object],
    beside: str,
    theirs: Callable[[], object],
    *,
    rounds: int,
    aim: str = "",
    unit: str = "ms",
    note: str = "",
    warm_up: int = 3,
) -> Row:
    """A row of two medians, measured in turn."""
    times = in_turn(ours, theirs, rounds=rounds, warm_up=warm_up)
    mine, others = map(statistics.median, times)
    scale = UNITS[unit]
    return Row(what, mine * scale, beside, others * scale, unit, aim, note)
