"""The log of a gateway that has a process to itself: JSON lines with nobody in them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from functools import lru_cache

from privacy_sdk.errors.masks import mask_text

_masked = lru_cache(maxsize=64)(mask_text)  # few events, logged again and again


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
            "event": _masked(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = mask_text(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Configure the logging of this process, which is the gateway's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("privacy_sdk").setLevel(level)
    logging.captureWarnings(True)
