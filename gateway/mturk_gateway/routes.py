"""What a front answers beside the two APIs: whether it is well, and uploaded files."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from time import time
from typing import NamedTuple
from urllib.parse import quote

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from structlog import get_logger

from mturk_gateway.house import House
from mturk_gateway.observing import metrics
from mturk_gateway.observing.states import Counts, states

log = get_logger()

_OF_A_FILE = ("content-type", "content-disposition")


class Health(NamedTuple):
    """What orchestrators ask: `marketplace` is the URL at which our own marketplace says that it is well."""

    house: House
    client: httpx.AsyncClient
    executor: Executor
    marketplace: str | None

    def answered_by(self, app: FastAPI) -> FastAPI:
        """The application with the routes of health added."""
        app.add_api_route("/healthz", self._healthz, methods=["GET", "HEAD"])
        app.add_api_route("/readyz", self._readyz, methods=["GET", "HEAD"])
        return app

    async def _healthz(self) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self) -> Response:
        problems = await asyncio.get_running_loop().run_in_executor(self.executor, self.house.problems)
        if self.marketplace:
            try:
                (await self.client.get(self.marketplace)).raise_for_status()
            except httpx.HTTPError as error:
                problems = [*problems, f"marketplace: {type(error).__name__}"]
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)


class Metrics(NamedTuple):
    """What Prometheus asks: `counts` is the URL of our own marketplace's, `space` the bytes that snapshots may take."""

    house: House
    client: httpx.AsyncClient
    executor: Executor
    counts: str | None
    space: int

    def answered_by(self, app: FastAPI) -> FastAPI:
        """The application with the route of metrics added."""
        app.add_api_route("/metrics", self._metrics, methods=["GET"])
        return app

    async def _metrics(self) -> Response:
        counts = await self._of_marketplace() if self.counts else None
        told = await asyncio.get_running_loop().run_in_executor(self.executor, self._told, counts)
        return Response(told, media_type=metrics.CONTENT_TYPE)

    async def _of_marketplace(self) -> Counts | None:
        try:
            reply = (await self.client.get(str(self.counts), timeout=_COUNTING)).raise_for_status()
            counts: Counts = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the marketplace does not say what there is", reason=type(error).__name__)
            return None
        return counts

    def _told(self, counts: Counts | None) -> bytes:
        return metrics.exposition(states(self.house, self.space, counts), time())


_COUNTING = 3.0
"""Seconds that the marketplace has to say what there is."""


class Files(NamedTuple):
    """Uploaded files, behind links that our own marketplace at `url` has issued and judges."""

    client: httpx.AsyncClient
    url: str

    async def answer(self, key: str, request: Request) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        try:
            reply = await self.client.get(f"{self.url}/files/{quote(key, safe='')}", params=query)
        except httpx.HTTPError as error:
            log.warning("file not had", reason=type(error).__name__)
            return PlainTextResponse("The file cannot be had at the moment.\n", 503)
        headers = {name: reply.headers[name] for name in _OF_A_FILE if name in reply.headers}
        return Response(reply.content, reply.status_code, headers)
