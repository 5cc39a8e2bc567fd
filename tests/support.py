"""What several test modules need: signed legacy requests, parsed answers, and a scripted modern upstream."""

from __future__ import annotations

import atexit
import json
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import boto3
import httpx
from botocore.config import Config

from mturk_gateway.auth import SERVICE, sign, standard_string
from mturk_gateway.clock import wall_clock
from mturk_gateway.marketplace.operations import OPERATIONS
from mturk_gateway.marketplace.requesters import find_key
from mturk_gateway.marketplace.services.call import Call
from mturk_gateway.marketplace.services.lists.tokens import PageTokens
from mturk_translators.xml import parse


def timestamp(now=None):
    return datetime.fromtimestamp(int(wall_clock() if now is None else now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def signed_pairs(requester, operation, *pairs, now=None):
    """The parameters of a legacy request with the standard signature."""
    moment = timestamp(now)
    return [
        ("Service", SERVICE),
        ("AWSAccessKeyId", requester.access_key),
        ("Operation", operation),
        ("Timestamp", moment),
        ("Signature", sign(requester.secret, standard_string(operation, moment))),
        *pairs,
    ]


def signed_query(requester, operation, *pairs, now=None):
    """The same, encoded."""
    return urlencode(signed_pairs(requester, operation, *pairs, now=now), quote_via=quote)


def ask(url, requester, operation, *pairs, **named):
    """The root of the answer to a signed legacy request; dotted names are given as pairs."""
    every = [*pairs, *((name, str(value)) for name, value in named.items())]
    return parse(post(f"{url}/", signed_query(requester, operation, *every)).content)


def next_answer(connection):
    """The next answer to come over a socket, with status, headers and content: a head may arrive without its body."""
    with HTTPResponse(connection) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return SimpleNamespace(status=response.status, headers=headers, content=response.read())


_client = httpx.Client(trust_env=False, verify=False, timeout=60)
atexit.register(_client.close)


def post(url, body):
    """The answer to a form; connections are kept between calls."""
    return _client.post(url, content=body, headers=FORM)


def get(url):
    """The answer to a GET."""
    return _client.get(url)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def texts(root, name):
    """The texts of all elements of a name, in document order."""
    return [element.text or "" for element in root.iter(name)]


def one(root, name):
    """The text of the only element of a name."""
    (text,) = texts(root, name)
    return text


@contextmanager
def modern_client(url, requester, **config):
    """A plain boto3 client."""
    client = boto3.client(
        "mturk",
        endpoint_url=url,
        aws_access_key_id=requester.access_key,
        aws_secret_access_key=requester.secret,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )
    try:
        yield client
    finally:
        client.close()


class ScriptedUpstream:
    """An HTTP server that speaks the modern wire protocol from a script: what each call is answered with.

    `answer` is called with operation and parameters and gives a status and a body (JSON value, or bytes as they are).
    Calls are kept in `calls` in the order of their arrival. `headers` gives more headers for each reply.
    """

    def __init__(self, answer, headers=dict):
        self.answer = answer
        self.calls = []
        self.headers = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer in two packets waits for the client's delayed acknowledgement of the first.
            wbufsize = -1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                params = json.loads(body)
                outer.calls.append((operation, params))
                outer.headers.append(dict(self.headers.items()))
                status, reply = outer.answer(operation, params)
                content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers().items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def free_port():
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(data, *options):
    """A gateway in processes of its own; gives the supervisor, and its URL once it has announced itself."""
    port, content, operators = free_port(), free_port(), free_port()
    ports = ["--port", str(port), "--content-port", str(content), "--operators-port", str(operators)]
    with (data.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mturk_gateway", "serve", *ports, "--data", data, *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            line = process.stdout.readline()
            assert re.fullmatch(rf"Answering on https?://127\.0\.0\.1:{port}\n", line), (
                data.parent / "log"
            ).read_text()
            yield process, line.split()[-1]
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


QUESTION = (
    '<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/'
    'ExternalQuestion.xsd"><ExternalURL>https://example.com/task?a=1&amp;b=2</ExternalURL>'
    "<FrameHeight>400</FrameHeight></ExternalQuestion>"
)
"""A question that every marketplace takes."""


def fill(gateway, requester, hits):
    """Put many HITs, each given as (parameters, created), into the embedded marketplace at once; gives their IDs."""
    return fill_database(gateway.house.marketplace, requester, hits)


def fill_database(marketplace, requester, hits):
    """The same for a marketplace's database."""
    with marketplace.writing() as connection:
        owner = find_key(connection, requester.access_key).requester
        tokens = PageTokens.load(connection)
        return [
            OPERATIONS["CreateHIT"].handler(
                Call("CreateHIT", {**PROPERTIES, **parameters}, owner, created, connection, tokens)
            )["HIT"]["HITId"]
            for parameters, created in hits
        ]


PROPERTIES = {
    "Title": "Count the dots",
    "Description": "How many?",
    "Reward": "0.05",
    "AssignmentDurationInSeconds": 600,
    "LifetimeInSeconds": 86_400,
    "Question": QUESTION,
}
"""What a HIT cannot do without."""
