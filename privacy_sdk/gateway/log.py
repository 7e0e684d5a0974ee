"""The log of a gateway that has a process to itself: JSON lines with nobody in them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache

from privacy_sdk.errors.escapes import printable
from privacy_sdk.errors.masks import mask_start, mask_text

LONGEST_TRACEBACK = 20_000
"""How much of a traceback is logged; the last lines are the ones that say what happened."""


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


@lru_cache(maxsize=256)  # few events, logged again and again
def _event(message: str) -> str:
    return printable(mask_start(message, 1_000))


class JsonLines(logging.Formatter):
    """Each record as one JSON object; what people may be in is masked.

    Example:
        >>> record = logging.makeLogRecord({"msg": "asked for +999 11 5550 0101"})
        >>> json.loads(JsonLines().format(record))["event"]
        'asked for 99•••01'
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": _event(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = mask_text(
                self.formatException(record.exc_info)[-LONGEST_TRACEBACK:]
            )
        return _encode(line)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Configure the logging of this process, which is the gateway's own."""
    # Which thread, process and task it was is no part of a line, and takes time to find out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("privacy_sdk").setLevel(level)
    # It warns of every piece of nonsense that a stranger sends.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.captureWarnings(True)
