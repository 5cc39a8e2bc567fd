"""A marketplace on a port of its own, a clock to turn, and real clients."""

from __future__ import annotations

import atexit
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.listener import Listener
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.requesters import add_requester
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.terms import Terms

PACKAGE = "mturk_gateway.marketplace"
SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"
QUESTION = (
    f'<ExternalQuestion xmlns="{SCHEMAS}/2006-07-14/ExternalQuestion.xsd">'
    "<ExternalURL>https://example.org/?a=1&amp;b=2</ExternalURL><FrameHeight>0</FrameHeight></ExternalQuestion>"
)
HIT_TYPE = {
    "Title": "Count the dots",
    "Description": "How many?",
    "Reward": "0.05",
    "AssignmentDurationInSeconds": 600,
}
START = 1_700_000_000


@cache
def session():
    return boto3.session.Session()


class TurnableClock:
    """Stands still until it is turned."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return float(self.now)

    def advance(self, seconds):
        self.now += seconds


class Stage:
    """A listener that marketplaces share one after the other: to start and stop one takes longer than most tests."""

    free: ClassVar[list[Stage]] = []

    def __init__(self):
        self.app = None
        self.listener = Listener(self).start()
        atexit.register(self.listener.stop)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.app(scope, receive, send)


@dataclass
class House:
    """One marketplace under test; `restart` stops it and starts another on the same file."""

    path: object
    clock: TurnableClock
    stack: ExitStack
    http: httpx.Client
    keys: dict = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    body: bytes = b""
    question: str = QUESTION

    def start(self):
        self.database = Database(sqlite_url(self.path), durable=True)
        self.database.migrate(PACKAGE)
        self.stage = Stage.free.pop() if Stage.free else Stage()
        self.stage.app = create_marketplace(self.database, self.clock, hosts=self.hosts, terms=self.terms)
        self.url = self.stage.listener.url
        return self

    def stop(self):
        self.stage.app = None
        Stage.free.append(self.stage)
        self.database.close()

    def restart(self):
        self.stop()
        self.start()

    def credentials(self, name="alice", *, sandbox=False):
        if name not in self.keys:
            with self.database.writing() as connection:
                self.keys[name] = add_requester(connection, name, START, sandbox=sandbox)
        return self.keys[name]

    def client(self, name="alice", *, sandbox=False, secret=None, access_key=None, host=None):
        credentials = self.credentials(name, sandbox=sandbox)
        client = session().client(
            "mturk",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key or credentials.access_key,
            aws_secret_access_key=secret or credentials.secret,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
        )
        self.stack.callback(client.close)
        client.meta.events.register("before-parse.mturk", self._keep)
        if host:
            client.meta.events.register(
                "before-sign.mturk", lambda request, **_: request.headers.add_header("Host", host)
            )
        return client

    def _keep(self, response_dict, **_others):
        # boto3 shows TurkErrorCode only for the two errors that the model declares.
        self.body = response_dict["body"]

    def signed(self, operation, body=b"{}", *, name="alice", headers=()):
        """The headers of a request that botocore signed, so that bodies can be sent that boto3 would never make."""
        credentials = self.credentials(name)
        request = AWSRequest(
            "POST",
            self.url + "/",
            data=body,
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"MTurkRequesterServiceV20170117.{operation}",
                **dict(headers),
            },
        )
        signer = SigV4Auth(Credentials(credentials.access_key, credentials.secret), "mturk-requester", "us-east-1")
        signer.add_auth(request)
        return dict(request.headers)

    def post(self, operation, body=b"{}", **options):
        """The response to a signed request with a raw body."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(self.url + "/", content=content, headers=self.signed(operation, content, **options))

    def create_hit(self, client, **changes):
        parameters = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": QUESTION, **changes}
        return client.create_hit(**{name: value for name, value in parameters.items() if value is not None})["HIT"]

    def accept(self, hit, worker="A1WORKER"):
        with self.database.writing() as connection:
            return workers.accept(connection, hit["HITId"], worker, int(self.clock()))

    def submit(self, assignment_id, answers=(("dots", "7"),)):
        with self.database.writing() as connection:
            workers.submit(connection, assignment_id, answers, int(self.clock()))

    def work(self, hit, worker="A1WORKER", answers=(("dots", "7"),)):
        assignment_id = self.accept(hit, worker)
        self.submit(assignment_id, answers)
        return assignment_id


@pytest.fixture
def clock():
    return TurnableClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A database as the migrations make it, to be copied: that takes a tenth of the time."""
    path = tmp_path_factory.mktemp("migrated") / "marketplace.db"
    database = Database(sqlite_url(path), durable=True)
    database.migrate(PACKAGE)
    database.close()
    return path


@pytest.fixture
def house(tmp_path, clock, migrated):
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=60, limits=httpx.Limits(max_connections=200)))
        path = tmp_path / "marketplace.db"
        shutil.copy(migrated, path)
        house = House(path, clock, stack, http).start()
        stack.callback(house.stop)
        yield house


@pytest.fixture
def client(house):
    return house.client()


@pytest.fixture
def failure(house):
    """Runs a call that must fail and gives (HTTP status, __type, TurkErrorCode, message), the latter from the wire."""

    def run(call, **parameters):
        with pytest.raises(ClientError) as caught:
            call(**parameters)
        response = caught.value.response
        return (
            response["ResponseMetadata"]["HTTPStatusCode"],
            response["Error"]["Code"],
            json.loads(house.body).get("TurkErrorCode"),
            response["Error"]["Message"],
        )

    return run
