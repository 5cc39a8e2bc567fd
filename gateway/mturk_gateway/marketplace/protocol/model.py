"""The service model that botocore ships: the only source of the shapes of the 2017-01-17 API."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

TARGET_PREFIX = "MTurkRequesterServiceV20170117."


@cache
def service_model() -> Any:
    """The model, read once."""
    return ServiceModel(Loader().load_service_model("mturk", "service-2", "2017-01-17"))


@cache
def operation_names() -> frozenset[str]:
    """All operations of the model, offered or not."""
    return frozenset(service_model().operation_names)


def input_shape(operation: str) -> Any:
    """The structure that an operation takes."""
    return service_model().operation_model(operation).input_shape


def output_shape(operation: str) -> Any:
    """The structure that an operation gives."""
    return service_model().operation_model(operation).output_shape
