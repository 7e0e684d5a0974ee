"""The loop thread: one event loop per process, for callers that block.

One daemon thread runs one event loop for all clients. It starts with the first call, keeps no
process alive, and is started anew in the child of a fork.

A signal handler of the user runs on the calling thread, between any two steps, and whatever it
raises must reach the caller. ``call_soon_threadsafe`` would swallow an ``OSError`` of it, and
Python drops what a handler raises while a task is collected; so calls are handed over by a queue
and a pipe of our own, and coroutines and tasks are made, and end, on the loop's thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

from privacy_sdk.errors import UsageError
from privacy_sdk.support.caller_warnings import HeldWarnings, held_warnings

T = TypeVar("T")
Work: TypeAlias = Callable[[], Coroutine[Any, Any, T]]
"""What makes the coroutine of a call; called on the loop's thread."""

_CLOSING_TAKES = 1.0
"""How long an interrupted call waits for its connection to be closed [s]."""


class Call(Generic[T]):
    """One call: a task that is made and ended on the loop's thread, and its outcome.

    Attributes:
        is_over: Whether the outcome is there.
        error: What the task raised, or None.
        value: What the task returned, if it raised nothing.
    """

    value: T

    def __init__(
        self, work: Work[T], on_over: Callable[[], object], held: HeldWarnings | None = None
    ) -> None:
        self.is_over = False
        self.error: BaseException | None = None
        self._work, self._on_over = work, on_over
        self._context = contextvars.copy_context()
        self._context.run(held_warnings.set, held)
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        """Make the task; on the loop's thread, as all that follows."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(_awaited(self._work), context=self._context)
        self._task.add_done_callback(self._end)

    def stop(self) -> None:
        """Cancel the task, or end the call if it was never handed over."""
        if self._task is not None:
            self._task.cancel()
        elif not self.is_over:
            self._be_over()

    def _end(self, task: asyncio.Task[T]) -> None:
        self._task = None
        if task.cancelled():  # which `except Exception` would miss
            self.error = concurrent.futures.CancelledError()
        else:
            self.error = task.exception()
            if self.error is None:
                self.value = task.result()
        self._be_over()

    def _be_over(self) -> None:
        self.is_over = True
        self._on_over()


async def _awaited(work: Work[T]) -> T:
    return await work()


_SLICE = 0.1
"""How long a wait lasts before signals are looked at [s]."""


class BlockingCall(Call[T]):
    """A call, the lock that its caller waits on, and the warnings that are due to the caller."""

    def __init__(self, work: Work[T]) -> None:
        self._running = threading.Lock()
        self._running.acquire()
        self._held = HeldWarnings()
        super().__init__(work, self._running.release, self._held)

    def wait(self, timeout: float = -1) -> None:
        """Wait until the call is over, in slices.

        A signal that comes just before the wait blocks would be looked at only when the wait ends;
        and on Windows Ctrl-C ends no wait without a time-out at all.
        """
        if timeout >= 0:
            self._running.acquire(timeout=timeout)
            return
        while not self._running.acquire(timeout=_SLICE):
            pass

    def result(self) -> T:
        """What the task returned; warns of what it warned of, and raises what it raised."""
        self._held.issue()
        if self.error is not None:
            raise self.error
        return self.value


_TOO_LATE = UsageError("The interpreter is shutting down.", hint="Close clients before it does.")
"""Made beforehand, for by then even making an error can fail."""


class LoopThread:
    """Runs coroutines on the process's loop thread for threads that wait, or do not.

    It takes what makes a coroutine, such as a method or a lambda, and not the coroutine: one
    that a signal keeps from being handed over would warn that it was never awaited.

    Example:
        >>> async def answer():
        ...     return 42
        >>> LOOP.run(answer)
        42
    """

    def __init__(self) -> None:
        self._of_parents: list[asyncio.AbstractEventLoop] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()
        self._handed_over: deque[Callable[[], object]] = deque()
        self._wake: Callable[[], object]
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def run(self, work: Work[T], *, on_interrupt: str = "") -> T:
        """Run work, and wait for its result.

        Whatever else ends the waiting, such as Ctrl-C, cancels the work. Its warnings point at
        the line that called.

        Args:
            work: Makes the coroutine to run on the loop's thread.
            on_interrupt: What a person who presses Ctrl-C should know.

        Raises:
            UsageError: Called on the loop's own thread, which would wait for itself, or while
                the interpreter shuts down.
        """
        if threading.current_thread() is self._thread:
            raise UsageError(
                "A blocking call was made on the thread that would have to answer it.",
                hint="Await the AsyncClient there instead.",
            )
        call = BlockingCall(work)
        try:
            self._hand_over(call.start)
            call.wait()
            return call.result()
        except BaseException as error:
            if not call.is_over:
                self._hand_over(call.stop)  # the server learns of it by its connection
                call.wait(_CLOSING_TAKES)
            if on_interrupt and error is not call.error:
                error.add_note(on_interrupt)
            raise
        finally:
            call.error = None  # which holds this frame

    def submit(self, work: Work[T]) -> concurrent.futures.Future[T]:
        """Start work and return at once, as a widget's callback must."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def settle() -> None:
            if future.set_running_or_notify_cancel():
                if call.error is None:
                    future.set_result(call.value)
                else:
                    future.set_exception(call.error)

        def stop_if_cancelled(_: object) -> None:
            if future.cancelled():
                self._hand_over(call.stop)

        call = Call(work, settle)
        future.add_done_callback(stop_if_cancelled)
        self._hand_over(call.start)
        return future

    def discard(self, work: Work[object]) -> None:
        """Start work that nobody waits for, if there is still a loop; never blocks or fails."""
        if self._loop is not None and not sys.is_finalizing():
            self.submit(work)

    def _hand_over(self, job: Callable[[], object]) -> None:
        """Have the loop's thread do something."""
        if sys.is_finalizing():  # the thread has been stopped; to wait for it would be for ever
            raise _TOO_LATE
        if self._loop is None:  # without the lock, which a signal may find taken
            self._start()
        try:
            self._handed_over.append(job)
        finally:  # what a signal handler raises in between must not leave the job lying
            self._wake()

    def _start(self) -> None:
        with self._starting:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                if sys.platform == "win32":
                    self._wake = partial(loop.call_soon_threadsafe, self._do_jobs)
                else:
                    woken, waking = os.pipe()
                    loop.add_reader(woken, self._do_jobs, woken)
                    self._wake = partial(os.write, waking, b"\0")
                self._thread = threading.Thread(
                    target=_serve, args=(loop,), name="privacy-sdk", daemon=True
                )
                self._thread.start()
                self._loop = loop

    def _do_jobs(self, woken: int | None = None) -> None:
        if woken is not None:
            os.read(woken, 4096)  # before looking, so that what comes later wakes again
        while self._handed_over:
            self._handed_over.popleft()()

    def _forget(self) -> None:
        """Leave all to the parent of a fork: its loop's thread stayed there, perhaps with a lock.

        The pipe is left open, too: its two ends are shared with the parent's loop.
        """
        if self._loop is not None:
            # Collecting it would warn of connections that are the parent's to close.
            self._of_parents.append(self._loop)
        self._loop = self._thread = None
        self._starting = threading.RLock()
        self._handed_over = deque()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            continue  # it is the task's error too, and whoever waits for that gets it


LOOP = LoopThread()
"""The process's only loop thread."""
