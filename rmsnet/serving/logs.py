"""What a server says: JSON Lines on standard error, one a request, each with the request's id."""

import json
import logging
import re
import sys
import time
import uuid
from typing import Any

from rmsnet.logs import log

_log = logging.getLogger("rmsnet.serving")

_IDENTITY = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def write_json_lines() -> None:
    """From now on everything that this process logs is a line of JSON on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.root.handlers[:] = [handler]
    log.handlers.clear()


def say(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event with what belongs to it."""
    _log.log(level, event, extra={"fields": fields})


def request_identity(given: str) -> str:
    """The id that a client or proxy gave a request; a new one where it gave none, or none that fits in a log."""
    return given if _IDENTITY.fullmatch(given) else uuid.uuid4().hex
