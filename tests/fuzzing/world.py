"""A whole gateway on a marketplace of its own, of which the front is in the loop of the fuzzer, without sockets."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select
from uvicorn.server import ServerState

from documented import ANSWER_KEY, FORM
from fuzzing import values
from fuzzing.logged import check_quiet, listening
from fuzzing.oracles import check_no_leak, require
from fuzzing.wires import KEY, SECRET
from mturk_gateway.admin import import_new_requesters
from mturk_gateway.app import create_finisher, create_gateway, create_walker, open_upstream
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Keyring, Requester
from mturk_gateway.edge.connection import LegacyHttpProtocol, Limits
from mturk_gateway.embedded import open_prepared
from mturk_gateway.listener import Listener, server_config
from mturk_gateway.marketplace.app import create_marketplace
from mturk_gateway.marketplace.services.qualifying import requesting
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.tables import accounts, transfers
from mturk_gateway.observing.logs import RequestLog
from mturk_gateway.settings import Settings
from support import PROPERTIES, modern_client

REQUESTER = Requester("fuzz", KEY, SECRET)


_LASTING = 60
"""Inputs after which most of what there was has been disposed of."""


class Transport(asyncio.Transport):
    """The other end of a connection that is in memory: what was written stands in `written`."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8080)})
        self.written = bytearray()
        self.closed = self.paused = False

    def write(self, data):
        # A socket too drops what is written after it was closed.
        if not self.closed:
            self.written += data

    def close(self):
        self.closed = True

    abort = close

    def is_closing(self):
        return self.closed

    def can_write_eof(self):
        return True

    def write_eof(self):
        pass

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def get_write_buffer_size(self):
        return 0


async def _one_done(tasks):
    done, _ = await asyncio.wait(tasks, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    require(done, "a request is never done with")
    await asyncio.sleep(0)


class World:
    """Between entering and leaving it, requests are answered; in the end the books of the marketplace are checked."""

    def __init__(self):
        self._stack = ExitStack()
        self._lines = io.BytesIO()
        self.ids = {}
        self._asked = 0

    def __enter__(self):
        # In memory where there is such a place: what is tried here is not the disk.
        shm = Path("/dev/shm")  # noqa: S108
        folder = self._stack.enter_context(TemporaryDirectory(dir=shm if shm.is_dir() else None))
        self._logged = self._stack.enter_context(listening())
        settings = Settings(data=Path(folder) / "data", clock_skew=10**9, freshness=0.5)
        house = open_prepared(settings)
        self._stack.callback(house.close)
        import_new_requesters(house.marketplace, house.credentials, [REQUESTER], wall_clock())
        self.marketplace = create_marketplace(house.marketplace, wall_clock)
        self.database = house.marketplace
        url = self._stack.enter_context(Listener(self.marketplace)).url
        upstream = open_upstream(settings, url)
        self._stack.callback(upstream.close)
        find = Keyring(house.credentials).find_account
        self._stack.enter_context(create_walker(settings, house.desk, house.stock, house.ledger, upstream, find))
        self._stack.enter_context(create_finisher(house, upstream, find))
        self._request_log = RequestLog(self._lines)
        self.loop = asyncio.new_event_loop()
        self._stack.callback(self.loop.close)
        self.app = create_gateway(settings, house, url, self._request_log).public
        self._live()
        self._config = server_config(self.app, http=LegacyHttpProtocol, lifespan="off")
        self._config.load()
        self._url = url
        self._populate()
        self.quiet()
        return self

    def __exit__(self, *exception):
        try:
            if not any(exception):
                self._check_books()
        finally:
            self._stack.close()

    def _live(self):
        """The lifespan of the application, in the loop."""
        told = asyncio.Queue()
        begun, ended = self.loop.create_future(), self.loop.create_future()

        async def send(message):
            future = begun if message["type"].startswith("lifespan.startup") else ended
            future.set_result(message["type"])

        task = self.loop.create_task(
            self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, told.get, send)
        )
        told.put_nowait({"type": "lifespan.startup"})
        require(self.loop.run_until_complete(begun) == "lifespan.startup.complete", "the front does not start")

        def stop():
            told.put_nowait({"type": "lifespan.shutdown"})
            self.loop.run_until_complete(ended)
            self.loop.run_until_complete(task)

        self._stack.callback(stop)

    def _populate(self):
        """Some of everything, under the IDs that the inputs know."""
        with modern_client(self._url, REQUESTER) as modern:
            modern.delete_worker_block(WorkerId="A1FUZZWORKER")
            for place in range(4):
                type_ = modern.create_qualification_type(
                    Name=f"Type {place} of {self._asked}",
                    Description="D",
                    QualificationTypeStatus="Active",
                    **({"Test": FORM, "TestDurationInSeconds": 60, "AnswerKey": ANSWER_KEY} if place == 3 else {}),
                )["QualificationType"]["QualificationTypeId"]
                hit = modern.create_hit(
                    **{**PROPERTIES, "Title": f"HIT {place} of {self._asked}", "MaxAssignments": 1 + (place < 2)}
                )["HIT"]
                # Nobody may hold many.
                worker = "A1FUZZWORKER" if place < 3 else f"A{self._asked}HOLDER"
                with self.database.writing() as connection:
                    now = int(wall_clock())
                    assignment = workers.accept(connection, hit["HITId"], worker, now)
                    if place < 3:
                        workers.submit(connection, assignment, [("q1", "<seven> &")], now)
                if place == 2:
                    modern.approve_assignment(AssignmentId=assignment)
                self.ids |= {
                    f"3FUZZHIT{place}": hit["HITId"],
                    f"3FUZZHITTYPE{place}": hit["HITTypeId"],
                    f"3FUZZASSIGNMENT{place}": assignment,
                    f"3FUZZQUALIFICATIONTYPE{place}": type_,
                }
            with self.database.writing() as connection:
                now = int(wall_clock())
                for place in range(3):
                    outcome = requesting.request_qualification(
                        connection, self.ids[f"3FUZZQUALIFICATIONTYPE{place}"], values.WORKERS[place], now
                    )
                    self.ids[f"3FUZZQUALIFICATIONREQUEST{place}"] = outcome.request_id
            modern.associate_qualification_with_worker(
                QualificationTypeId=self.ids["3FUZZQUALIFICATIONTYPE1"], WorkerId="A1FUZZWORKER"
            )
            self.ids["3FUZZNEXTTOKEN"] = modern.list_hits(MaxResults=1)["NextToken"]
        self._known = sorted(((token.encode(), found.encode()) for token, found in self.ids.items()), reverse=True)

    def identified(self, data):
        """The bytes with the IDs of what is there in place of the words that stand for them.

        What is there has been disposed of after a while, so that there must be more now and then.
        """
        self._asked += 1
        if self._asked % _LASTING == 0:
            self._populate()
        if b"3FUZZ" in data:
            for token, found in self._known:
                data = data.replace(token, found)
        return data

    def ask(self, app, method, path, headers, body, query=b""):
        """Status, headers and body of the answer of an application."""
        sent = []
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "scheme": "http",
            "headers": [*headers, (b"content-length", str(len(body)).encode())],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        # Each request in a context of its own, as a server does it.
        self.loop.run_until_complete(self.loop.create_task(app(scope, receive, send)))
        require([message["type"] for message in sent] == ["http.response.start", "http.response.body"], "sent:", sent)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    def exchange(self, pieces):
        """All that is written on a connection on which such pieces arrive, after which the client hangs up."""
        return self.loop.run_until_complete(self._exchange(pieces))

    async def _exchange(self, pieces):
        state = ServerState()
        transport = Transport()
        protocol = LegacyHttpProtocol(self._config, state, {}, self.loop, Limits())
        protocol.connection_made(transport)
        for piece in pieces:
            while transport.paused and state.tasks:
                await _one_done(state.tasks)
            if transport.closed:
                break
            if piece:
                protocol.data_received(piece)
            await asyncio.sleep(0)
        if not (transport.closed or protocol.eof_received()):
            transport.close()
        while state.tasks:
            await _one_done(state.tasks)
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        require(not state.connections, "a connection is kept")
        return bytes(transport.written)

    def quiet(self, given=b""):
        """Nothing alarming may stand in the log, and nothing secret; what stands there is forgotten."""
        self._request_log.write()
        lines = self._lines.getvalue()
        self._lines.seek(0)
        self._lines.truncate()
        check_no_leak(lines, SECRET, given=given)
        check_quiet(self._logged, SECRET, given=given)

    def _check_books(self):
        """No cent has appeared or gone."""
        with self.database.reading() as connection:
            balances = {
                (row.requester_id, row.kind, row.worker_id): row.balance for row in connection.execute(select(accounts))
            }
            moved = connection.execute(select(transfers)).all()
            total = connection.execute(select(func.sum(accounts.c.balance))).scalar_one()
        require(total in (0, None), "money that comes from nowhere:", total)
        sums = Counter()
        for row in moved:
            require(row.amount > 0, "a transfer of nothing:", row)
            for kind, sign in ((row.source, -1), (row.destination, 1)):
                sums[row.requester_id, kind, row.worker_id if kind == "earned" else ""] += sign * row.amount
        follow = {account: cents for account, cents in sums.items() if cents}
        stand = {account: cents for account, cents in balances.items() if cents}
        require(follow == stand, "balances do not follow from transfers:", follow, stand)
