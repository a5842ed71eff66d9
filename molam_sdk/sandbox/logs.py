"""The sandbox's log as JSON lines, for the command line; in code nothing is set up unasked."""

import json
import logging
import sys

from .clock import iso

LOGGERS = ("molam_sdk.sandbox", "uvicorn.error")


class JsonLines(logging.Formatter):
    """One JSON object per record: time, level, message and the facts of the request."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": iso(record.created), "level": record.levelname.lower(), "message": record.getMessage()}
        line.update(getattr(record, "molam", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def write_json_lines(level: int) -> None:
    """Send the sandbox's records, and warnings of its server, to standard error."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [lines], False
        logger.setLevel(level if name == LOGGERS[0] else logging.WARNING)
