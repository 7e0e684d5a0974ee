"""A recording as a timeline: which recorded exchange answers a request, and where that leads.

A session moves along it: a change goes to its own answer, and a question is answered by what
was answered there. So one client that asks one thing after the other gets the same again,
looking changes nothing, and nothing is answered that did not hold where the session stands.

Places are numbers: exchange ``n`` was asked at ``n``, and answered half a step behind the last
one that was asked meanwhile.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from privacy_sdk.cassettes.people import Bindings
from privacy_sdk.cassettes.requests import (
    EVERYTHING,
    Request,
    Shape,
    people_named,
    versions_in,
)

_START = -0.5
_Ordered: TypeAlias = dict[tuple[str, ...], None]


class Key(NamedTuple):
    """What a request and its recorded twin have in common: its people by recorded address."""

    shape: Shape
    people: tuple[str, ...]
    versions: tuple[str, ...]


@dataclass(slots=True)
class Exchange:
    """One recorded request with its answer.

    Attributes:
        request: What was asked.
        status: HTTP status of the answer.
        headers: Those of the answer.
        body: The answer.
        overlaps: How many of the exchanges behind it were asked before it was answered.
        after_loss: Whether a change that was never answered was sent before it.
        is_played: Whether it has answered a request.
        is_taken: Whether it did so in its own turn.
        place: Its number among the exchanges.
        step: Of a change, the number of its step.
        document: The answer as JSON.
    """

    request: Request
    status: int
    headers: dict[str, list[str]]
    body: bytes
    overlaps: int = 0
    after_loss: bool = False
    is_played: bool = False
    is_taken: bool = False
    place: int = 0
    step: int = -1
    document: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            self.document = json.loads(self.body)
        except (ValueError, RecursionError):
            self.document = None

    @property
    def answered(self) -> float:
        """Where its answer is."""
        return self.place + self.overlaps + 0.5

    @property
    def is_good(self) -> bool:
        """Whether it would be answered so again: it is no refusal of the moment."""
        return self.status < 400 or self.status == 501


class NotThereError(LookupError):
    """The timeline has no answer to a request where the session stands.

    Attributes:
        is_elsewhere: Whether it has one for elsewhere.
        is_somebodys: Whether it has one for another person.
    """

    def __init__(self, *, is_elsewhere: bool = False, is_somebodys: bool = False) -> None:
        super().__init__()
        self.is_elsewhere, self.is_somebodys = is_elsewhere, is_somebodys


class Timeline:
    """The exchanges of a recording, and how far a session has come.

    Attributes:
        exchanges: All of them, in the order in which they were asked.
        bindings: Whom its pseudonyms stand for.
        has_jumped: Whether the last change was recorded elsewhere than next.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.exchanges = exchanges
        self.has_jumped = False
        self._at = _START
        self._step = -1
        self._versions: dict[tuple[str | None, str], str | None] = {}
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        self._whose: defaultdict[tuple[Shape, tuple[str, ...]], _Ordered] = defaultdict(dict)
        self._changes: defaultdict[str | None, list[Exchange]] = defaultdict(list)
        """Those of each account, and of all under None."""
        together: dict[tuple[str, ...], None] = {}
        versions: dict[tuple[str | None, str], str | None] = {}
        for place, exchange in enumerate(exchanges):
            exchange.place = place
            request = exchange.request
            labels = _labels(request, request.route.account, versions)
            self._by_key[Key(request.shape, request.people, labels)].append(place)
            self._whose[request.shape, labels][request.people] = None
            _learn(exchange, versions)
            together |= dict.fromkeys(
                [*people_named(request.body), *people_named(exchange.document)]
            )
            if request.reads is None:
                for account in {request.route.account, None}:
                    self._changes[account].append(exchange)
        self.bindings = Bindings(together)
        self._losses = [e.place - 0.3 for e in exchanges if e.after_loss]
        self._touching: dict[tuple[str | None, str], _Touching] = {}
        self._turns: dict[tuple[int, int], int] = {}
        """For a question by its first place, and a step: how many of its answers were given."""
        self._taking: tuple[tuple[int, int], int] | None = None
        self._steps: list[int] = []
        """Where the first change of each step is asked; changes that overlapped are one step."""
        end = _START
        for change in self._changes[None]:
            if change.place > end:
                self._steps.append(change.place)
            change.step = len(self._steps) - 1
            end = max(end, change.answered)

    def answer(self, request: Request, *, looks: bool = False) -> Exchange:
        """The recorded exchange that answers a request; the session then stands at it.

        Args:
            request: What is asked.
            looks: Whether nothing of it is to count as asked.

        Raises:
            NotThereError: There is none.
        """
        places = self._places(request)
        self._taking = None
        if request.reads is not None:
            exchange = self._question(request.reads, places)
        else:
            exchange = self._change(request, places)
        if not looks:
            exchange.is_played = True
            if request.reads is None:
                exchange.is_taken = True
                self._stand_at(exchange)
            elif self._taking is not None:
                exchange.is_taken = True
                self._turns |= (self._taking,)
            _learn(exchange, self._versions)
        return exchange

    def _places(self, request: Request) -> list[int]:
        """Where the request was recorded, for the people who are meant."""
        account = self.bindings.recorded(request.people[:1])[0] if request.route.account else None
        labels = _labels(request, account, self._versions)
        others = self._whose.get((request.shape, labels), {})
        known = self.bindings.recorded(request.people)
        for people in (known,) if known in others else others:
            if len(people) == len(request.people) and self.bindings.bind(
                request.people, people, request.rows
            ):
                return self._by_key[Key(request.shape, people, labels)]
        raise NotThereError(is_somebodys=bool(others))

    def _change(self, request: Request, places: list[int]) -> Exchange:
        exchange = self.exchanges[places[-1]]
        for place in places[bisect_left(places, self._begin_of(self._step)) :]:
            change = self.exchanges[place]
            if (change.step == self._step and not change.is_taken) or place > self._at:
                exchange = change
                break
        if request.is_plan and not all(
            self._holds(exchange, thing) for thing in exchange.request.things
        ):
            raise NotThereError(is_elsewhere=True)
        return exchange

    def _stand_at(self, change: Exchange) -> None:
        self.has_jumped = change.step not in (self._step, self._step + 1)
        is_same = change.step == self._step
        self._at = max(self._at, change.answered) if is_same else change.answered
        self._step = change.step

    def _begin_of(self, step: int) -> float:
        """Where the first change of a step is asked."""
        if step < 0:
            return _START
        return self._steps[step] if step < len(self._steps) else float("inf")

    def _question(self, thing: str, places: list[int]) -> Exchange:
        end = self._next_change()
        window = (places[0], self._step)
        turn = max(bisect_right(places, self._at), self._turns.get(window, 0))
        last = bisect_left(places, end)
        while turn < last:
            exchange = self.exchanges[places[turn]]
            turn += 1
            if exchange.answered < end:
                self._taking = (window, turn)
                return exchange
        here = [
            self.exchanges[place]
            for place in places[bisect_right(places, self._at) : last]
            if self.exchanges[place].answered < end
        ]
        good = next((exchange for exchange in reversed(here) if exchange.is_good), None)
        if found := good or self._nearest(thing, places):
            return found
        if here:
            return here[-1]
        raise NotThereError(is_elsewhere=True)

    def _next_change(self) -> float:
        """Where the first change is asked that is no part of this step."""
        loss = bisect_right(self._losses, self._at)
        following = self._losses[loss] if loss < len(self._losses) else float("inf")
        return min(self._begin_of(self._step + 1), following)

    def _nearest(self, thing: str, places: list[int]) -> Exchange | None:
        """The nearest good answer with no change of the thing in between."""
        account = self.exchanges[places[0]].request.route.account
        since, until = self._touching_of(account, thing).around(self._at, self._step)
        middle = bisect_right(places, self._at)
        earlier = (
            self.exchanges[p] for p in reversed(places[bisect_right(places, since) : middle])
        )
        later = (self.exchanges[p] for p in places[middle : bisect_left(places, until)])
        before = next((each for each in earlier if each.is_good), None)
        # One that overlapped the next change may tell of it: only in its own turn.
        behind = next(
            (e for e in later if e.is_good and (e.answered < until or not e.is_taken)), None
        )
        if before is None or behind is None:
            return before or behind
        return before if self._at - before.place <= behind.place - self._at else behind

    def _holds(self, plan: Exchange, thing: str) -> bool:
        """Whether no change of a thing is between here and where a plan was asked."""
        since, until = self._touching_of(plan.request.route.account, thing).around(
            self._at, self._step
        )
        return since < plan.place <= until

    def _touching_of(self, account: str | None, thing: str) -> _Touching:
        if (account, thing) not in self._touching:
            found = [
                (change.place, change.answered, change.step)
                for change in self._changes[account]
                if not change.request.things.isdisjoint({thing, EVERYTHING})
            ]
            lost = [(loss, loss + 0.1, -2) for loss in self._losses]
            self._touching[account, thing] = _Touching(sorted([*found, *lost]))
        return self._touching[account, thing]


class _Touching:
    """The changes of one thing: where each was asked and answered, and its step."""

    def __init__(self, changes: Sequence[tuple[float, float, int]]) -> None:
        self._changes = changes
        self._asked = [asked for asked, _, _ in changes]
        self._answered = list(accumulate((answered for _, answered, _ in changes), max))

    def around(self, at: float, step: int) -> tuple[float, float]:
        """Behind which answer and before which change an answer must lie to hold at a place."""
        count = bisect_right(self._asked, at)
        since = self._answered[count - 1] if count else _START - 1
        while count < len(self._changes) and self._changes[count][2] == step:
            count += 1
        return since, self._asked[count] if count < len(self._asked) else float("inf")


def _labels(
    request: Request, account: str | None, versions: dict[tuple[str | None, str], str | None]
) -> tuple[str, ...]:
    """The versions that a request names: the newest that was answered for the list, or older."""

    def label(category: str, dhash: str) -> str:
        newest = versions.get((account, category), ...)
        return dhash if newest is ... else "newest" if dhash == newest else "older"

    return tuple(label(category, dhash) for category, dhash in request.versions)


def _learn(exchange: Exchange, versions: dict[tuple[str | None, str], str | None]) -> None:
    if exchange.status < 300 and isinstance(exchange.document, dict):
        account = exchange.request.route.account
        for category, dhash in versions_in(exchange.request, exchange.document):
            versions[account, category] = dhash
