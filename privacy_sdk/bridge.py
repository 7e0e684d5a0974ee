"""The bridge from code that waits to an event loop.

One daemon thread per process runs one event loop for all clients. It starts with the first
call, keeps no process alive, and is started anew in the child of a fork.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from privacy_sdk.errors import UsageError

T = TypeVar("T")

_CLOSING_TAKES = 1.0
"""How long an interrupted call waits for its connection to be closed [s]."""


class _Call(Generic[T]):
    """Work on its way through the loop's thread, for a thread that waits."""

    def __init__(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._work, self._loop = work, loop
        self._task: asyncio.Task[T] | None = None
        self._ended = threading.Lock()
        self._ended.acquire()

    def wait(self) -> asyncio.Task[T]:
        """Start the work, and wait until it has ended; its result is the task's."""
        self._loop.call_soon_threadsafe(self._start)
        if sys.platform == "win32":  # where Ctrl-C does not end a wait without a time-out
            while not self._ended.acquire(timeout=0.1):
                pass
        else:
            self._ended.acquire()
        assert self._task is not None  # noqa: S101
        return self._task

    def raised(self, error: BaseException) -> bool:
        """Whether an error is what the work itself ended with."""
        task = self._task
        if task is None or not task.done():
            return False
        if task.cancelled():
            return isinstance(error, asyncio.CancelledError)
        return task.exception() is error

    def stop(self) -> None:
        """End the work, whether it was started or not, and wait until it has ended."""
        if self._task is None or not self._task.done():
            self._loop.call_soon_threadsafe(self._stop)
            self._ended.acquire(timeout=_CLOSING_TAKES)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._end)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # what interrupted the waiting came before the work had been handed over
            self._work.close()
            self._ended.release()

    def _end(self, task: asyncio.Task[T]) -> None:
        self._ended.release()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            continue  # it is the task's error too, and whoever waits for that gets it


_TOO_LATE = UsageError("The interpreter is shutting down.", hint="Close clients before it does.")
"""Made beforehand, for by then even making an error can fail."""


def _refuse_when_too_late(work: Coroutine[Any, Any, object]) -> None:
    """Whoever waited for the loop's thread now would wait for ever: it has been stopped."""
    if sys.is_finalizing():
        work.close()
        raise _TOO_LATE


class Bridge:
    """Runs coroutines on the process's loop thread for threads that wait, or do not.

    Example:
        >>> async def answer():
        ...     return 42
        >>> BRIDGE.run(answer())
        42
    """

    def __init__(self) -> None:
        self._loops_of_parents: list[asyncio.AbstractEventLoop] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """In the child of a fork: the loop's thread stayed behind, perhaps with a lock."""
        if self._loop is not None:
            # Collecting it would warn of connections that are the parent's to close.
            self._loops_of_parents.append(self._loop)
        self._loop = self._thread = None
        self._starting = threading.RLock()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is not None:  # without the lock, which a signal may find taken
            return self._loop
        with self._starting:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(loop,), name="privacy-sdk", daemon=True
                )
                self._thread.start()
                self._loop = loop
            return self._loop

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start work and return at once, as a widget's callback must."""
        _refuse_when_too_late(work)
        return asyncio.run_coroutine_threadsafe(work, self._running_loop())

    def drop(self, work: Coroutine[Any, Any, object]) -> None:
        """Start work that nobody waits for, if there is still a loop; never blocks or fails."""
        if self._loop is None or sys.is_finalizing():
            work.close()
        else:
            asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], *, on_interrupt: str = "") -> T:
        """The result of work, for which the calling thread waits.

        Whatever else ends the waiting, such as Ctrl-C, ends the work too.

        Args:
            work: What to run on the loop's thread.
            on_interrupt: What a person who presses Ctrl-C should know.

        Raises:
            UsageError: Called on the loop's own thread, which would wait for itself, or while
                the interpreter shuts down.
        """
        _refuse_when_too_late(work)
        if threading.current_thread() is self._thread:
            work.close()
            raise UsageError(
                "A blocking call was made on the thread that would have to answer it.",
                hint="Await the AsyncClient there instead.",
            )
        call = _Call(work, self._running_loop())
        try:
            return call.wait().result()
        except BaseException as error:
            if not call.raised(error):
                call.stop()  # the server learns of it by its connection
                if on_interrupt:
                    error.add_note(on_interrupt)
            if isinstance(error, asyncio.CancelledError):  # which `except Exception` would miss
                raise concurrent.futures.CancelledError from None
            raise
        finally:
            del call  # it holds the error, which holds this frame


BRIDGE = Bridge()
"""The process's only bridge."""
