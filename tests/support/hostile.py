"""Text that a stranger may send, and how to tell what it costs."""

import gc
import time
from collections.abc import Callable

from hypothesis import strategies as st

PIECES = [
    *"01-+ .(/,:;@%_'\"\\\n\t{[&=?<",
    *("12345", "999115550101", "٣", "\u00a0", "\u2011", "%20", "%2B", "%40", "%E2%80%93", "%5C"),
    *("\\\\", '\\"', "\\u0031", "tel:", "wa.me/", "phone=", "bearer ", "cookie: ", "set-cookie"),
    *("token=", "pairing code: ", "2@abcdefgh,", "@lid", "s.whatsapp.net", "ab", '"jid": "', "- "),
]
"""What numbers, addresses, secrets and bodies are made of, whole and in part."""

patterns = st.tuples(
    st.lists(st.sampled_from(PIECES), max_size=2).map("".join),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=2).map("".join),
)
"""A beginning, what is repeated, and an end that may spoil the match."""


def of_size(pattern: tuple[str, str, str], size: int) -> str:
    begins, repeated, ends = pattern
    return f"{begins}{repeated * (size // len(repeated))}{ends}"


def seconds(work: Callable[[str], object], text: str) -> float:
    """CPU time of this thread: what others do on the machine does not count."""
    gc.disable()  # a collection walks what all other tests have left, and takes half a second
    try:
        began = time.thread_time()
        work(text)
        return time.thread_time() - began
    finally:
        gc.enable()


def assert_linear(
    work: Callable[[str], object], pattern: tuple[str, str, str], longest: int = 2**17
) -> None:
    """Eight times the text takes some eight times as long; quadratic would take 64 times."""
    short = min(seconds(work, of_size(pattern, longest // 8)) for _ in range(2))
    if short > 0.0005:  # else even a quadratic growth would be no harm
        long = min(seconds(work, of_size(pattern, longest)) for _ in range(2))
        assert long < 30 * short, (pattern, short, long)
