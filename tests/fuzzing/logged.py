"""The log, as far as it matters to a fuzzer: a warning of ours is a finding, and an error of a library."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager

import structlog

from fuzzing.oracles import check_no_leak, require

_NO_WARNING = {"debug", "info"}


@contextmanager
def listening():
    """Keep what is logged in the block: a list of pairs of level and event."""
    logged = []

    def keep(_logger, level, event):
        logged.append((level, {**event, "exc_info": repr(sys.exception())} if event.get("exc_info") else event))
        raise structlog.DropEvent

    class Libraries(logging.Handler):
        """Libraries warn of what clients do wrong; that is our business only when something of theirs broke."""

        def emit(self, record):
            if record.levelno >= logging.ERROR:
                logged.append((record.levelname, {"event": record.getMessage(), "exc_info": repr(record.exc_info)}))

    before, libraries = structlog.get_config(), Libraries()
    structlog.configure(processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(0))
    logging.getLogger().addHandler(libraries)
    try:
        yield logged
    finally:
        logging.getLogger().removeHandler(libraries)
        structlog.configure(**before)


def check_quiet(logged, *secrets, given=b""):
    """Nothing alarming may have been logged, and nothing secret; what was is forgotten."""
    taken, logged[:] = list(logged), []
    for level, event in taken:
        require(level in _NO_WARNING, "logged:", event)
        check_no_leak(repr(event).encode(errors="replace"), *secrets, given=given)
