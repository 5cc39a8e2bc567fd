"""What a worker is told who may not do something."""

from __future__ import annotations


class WorkerRefused(Exception):  # noqa: N818  # a refusal is the worker's to read, not an error of the program
    """The worker may not do that; the text says why and may be shown."""
