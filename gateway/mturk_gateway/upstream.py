"""The way to the modern API: makes calls through boto3, and signs what is handed on."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter
from typing import Any, NamedTuple

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ParamValidationError
from structlog import get_logger

from mturk_gateway.credentials import Requester
from mturk_gateway.observing import metrics
from mturk_gateway.replies import ReplyParserFactory
from mturk_gateway.transcript import note_call
from mturk_translators.call import Call, Reply
from mturk_translators.faults import THROTTLED, ModernError

log = get_logger()

UNREACHABLE = "Unreachable"
"""The type of a ModernError for an upstream that gave no answer worth the name."""

_SERVICE = "mturk-requester"
_MOST_CLIENTS = 256


class Sandbox(NamedTuple):
    """Where requesters' calls go who have come to the sandbox as guests: a URL, and a Host header if not the URL's."""

    url: str
    host: str | None = None


class Upstream:
    """One modern endpoint, or, for requesters whose profile names one, theirs; and the sandbox, if there is one.

    Everything here blocks: it is called in threads. `timeout` is the seconds that one try of a call may take; a
    throttled or failed call is tried three times in all. `direct` calls go past any proxy of the environment.
    """

    def __init__(self, url: str, timeout: float, sandbox: Sandbox | None = None, *, direct: bool = False) -> None:
        self._url = url
        self._sandbox = sandbox
        self._config = Config(
            connect_timeout=min(timeout, 5.0),
            read_timeout=timeout,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=64,
            # botocore would put together its own, of twenty parts, twice for each call.
            user_agent="mturk-gateway",
            proxies={} if direct else None,
        )
        # Every call is signed with keys of our own, and the user's choice among others need not even exist.
        session = botocore.session.Session({"profile": (None, None, None, None)})
        session.register_component("response_parser_factory", ReplyParserFactory())
        self._session = boto3.Session(botocore_session=session)
        self._clients: OrderedDict[Requester, Any] = OrderedDict()
        self._methods: dict[str, str] = {}
        self._lock = threading.Lock()

    def endpoint(self, requester: Requester) -> str:
        """The URL that a requester's calls go to."""
        if requester.guest:
            if self._sandbox is None:
                raise ValueError("there is no sandbox")
            return self._sandbox.url
        return requester.endpoint_url or self._url

    @property
    def has_sandbox(self) -> bool:
        """Whether guests of the sandbox have anywhere to go."""
        return self._sandbox is not None

    def call(self, requester: Requester, call: Call, *, headers: Mapping[str, str] | None = None) -> Reply:
        """The reply to one call, which is sent with these headers beside its own, signed as they are.

        Times in the reply are numbers, seconds since 1970, where the upstream sent them so. Its own headers are in
        `ResponseMetadata`, under `HTTPHeaders`, with names in lower case. Raises ModernError.
        """
        begun, sent, outcome = perf_counter(), _sent.set(0), "ok"
        try:
            reply = self._made(requester, call, headers or {})
        except ModernError as error:
            outcome = outcome_of(error.type, error.status)
            note_call(call, error)
            raise
        finally:
            metrics.called(call.operation, outcome, perf_counter() - begun, max(0, _sent.get() - 1))
            _sent.reset(sent)
        note_call(call, reply)
        return reply

    def _made(self, requester: Requester, call: Call, headers: Mapping[str, str]) -> Reply:
        client = self._client(requester)
        method = getattr(client, self._methods[call.operation])
        before = _extra_headers.set(headers)
        try:
            reply: Reply = method(**call.params)
        except ClientError as error:
            raise _modern_error(error.response) from None
        except ParamValidationError:
            # Its own message quotes the values.
            log.warning("parameters not sent", operation=call.operation)
            raise ModernError("ParameterValidationError", "The value of a parameter is not valid.") from None
        except Exception as error:  # noqa: BLE001  # botocore meets garbage with whatever it stumbles over
            log.warning("upstream unreachable", operation=call.operation, reason=type(error).__name__)
            raise ModernError(UNREACHABLE, type(error).__name__, status=0) from None
        finally:
            _extra_headers.reset(before)
        return reply

    def sign(self, requester: Requester, headers: dict[str, str], body: bytes) -> tuple[str, dict[str, str]]:
        """The URL and the headers with which a modern request of this requester is handed on."""
        url = self.endpoint(requester).rstrip("/") + "/"
        request = AWSRequest("POST", url, headers, body)
        credentials = Credentials(requester.access_key, requester.secret, requester.session_token)
        SigV4Auth(credentials, _SERVICE, requester.region).add_auth(request)
        return url, dict(request.headers.items())

    def _client(self, requester: Requester) -> Any:
        with self._lock:
            client = self._clients.get(requester)
            if client is None:
                client = self._clients[requester] = self._session.client(
                    "mturk",
                    aws_access_key_id=requester.access_key,
                    aws_secret_access_key=requester.secret,
                    aws_session_token=requester.session_token,
                    region_name=requester.region,
                    endpoint_url=self.endpoint(requester),
                    config=self._config,
                )
                client.meta.events.register("before-call.mturk", _add_headers)
                client.meta.events.register("before-send.mturk", _count_try)
                if requester.guest and self._sandbox and self._sandbox.host:
                    client.meta.events.register("before-call.mturk", _addressed_to(self._sandbox.host))
                client.meta.events.register("before-parse.mturk", _keep_turk_error_code)
                self._methods = {operation: name for name, operation in client.meta.method_to_api_mapping.items()}
                if len(self._clients) > _MOST_CLIENTS:
                    self._clients.popitem(last=False)
            self._clients.move_to_end(requester)
            return client

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


_extra_headers: ContextVar[Mapping[str, str]] = ContextVar("_extra_headers")
"""Those of the call that this thread is making: clients are shared, and their methods take none."""


_sent: ContextVar[int] = ContextVar("_sent", default=0)
"""How often that call has been sent."""


def _count_try(**_: object) -> None:
    _sent.set(_sent.get() + 1)


def outcome_of(error: str, status: int) -> str:
    """What came of a call, in the words of the metrics: `error` is the type of the error, empty for none."""
    if not error:
        return "ok"
    if error in THROTTLED:
        return "throttled"
    if error == UNREACHABLE:
        return "unreachable"
    return "failed" if status >= 500 else "refused"


def _addressed_to(host: str) -> Callable[..., None]:
    def address(params: dict[str, Any], **_: object) -> None:
        params["headers"]["Host"] = host

    return address


def _add_headers(params: dict[str, Any], **_: object) -> None:
    params["headers"].update(_extra_headers.get())


def _keep_turk_error_code(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """boto3 drops the code of errors that its model does not know; clients of the legacy API match on it."""
    if response_dict["status_code"] >= 400:
        try:
            code = json.loads(response_dict["body"]).get("TurkErrorCode")
        except (ValueError, AttributeError, RecursionError):
            return
        if isinstance(code, str):
            customized_response_dict["TurkErrorCode"] = code


def _modern_error(response: dict[str, Any]) -> ModernError:
    error, about = response.get("Error", {}), response.get("ResponseMetadata", {})
    type_, message = str(error.get("Code", "")), str(error.get("Message", ""))
    status = int(about.get("HTTPStatusCode", 0))
    if not type_ or type_.isdigit():
        # No error of the modern API: something on the way answered with a page of its own.
        return ModernError(UNREACHABLE, f"HTTP status {status}", status=status)
    modern = ModernError(type_, message, response.get("TurkErrorCode"), status)
    modern.again = about.get("RetryAttempts", 0) > 0
    return modern
