"""A bar that shows how far work is, where somebody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str, *, wanted: bool | None = None) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr or in a notebook meanwhile; it is gone when the work is done.

    Args:
        title: What is done.
        wanted: Whether to show it; by default in a terminal and in a notebook.

    Yields:
        What takes the number of things done and that of all.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    is_seen = console.is_terminal or console.is_jupyter
    with Progress(
        SpinnerColumn(),
        TextColumn(title),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not (is_seen if wanted is None else wanted),
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
