"""Numbered pages of answers: rendered once, and kept for those who ask again."""

from __future__ import annotations

from cachetools import LRUCache

from mturk_gateway.paging.desk import Desk, Spot
from mturk_gateway.paging.pager import Pager
from mturk_gateway.paging.snapshots import Page, Snapshot, Sought, seek
from mturk_gateway.question import Ask
from mturk_gateway.transcript import note_base
from mturk_translators.request import ReportsRequest
from mturk_translators.response import PageRead, give_page
from mturk_translators.xml import Rendered, render

_KEPT = 64 * 2**20
"""Bytes of rendered pages that are kept for those who ask again."""
_QUESTION = 8192
"""Bytes that count for the question beside a page: many pages are empty, and what was asked is longer than they are."""


def kept_pages() -> LRUCache[tuple[Ask, Snapshot], Rendered]:
    """Room for rendered pages, by what was asked and of which snapshot."""
    return LRUCache(_KEPT, getsizeof=lambda page: len(page.markup) + _QUESTION)


class PageReader:
    """Reads the pages of listings. For one event loop.

    `walker` is what tells apart who walks through the pages of a request. Every method raises ModernError when a
    listing cannot be walked, TimeoutError when that takes too long, and what a database raises.
    """

    def __init__(self, desk: Desk, pager: Pager) -> None:
        self._desk = desk
        self._pager = pager
        self._kept = kept_pages()

    async def page(self, ask: Ask, sought: Sought, walker: str) -> Rendered:
        """The result element of a page."""
        spot = self._desk.find(sought, walker)
        kept = self._kept.get((ask, spot.snapshot)) if spot else None
        if spot and kept:
            note_base(spot.snapshot.base)
            if not spot.noted:
                await self._pager.note(sought, walker, spot)
            return kept
        page, spot = await self._read(sought, walker, spot)
        made = Rendered(render(give_page(ask.asked, PageRead(sought.page, page.total, page.rows))))
        if len(made.markup) + _QUESTION <= self._kept.maxsize:
            self._kept[ask, spot.snapshot] = made
        return made

    async def reports(self, request: ReportsRequest, account: str, walker: str) -> tuple[tuple[str, PageRead], ...]:
        """The pages of reports of an account, each by the element that shows it."""
        pages = []
        for element, asked in request.pages:
            sought, reader = seek(account, asked), f"{walker} {element}"
            page, _ = await self._read(sought, reader, self._desk.find(sought, reader))
            pages.append((element, PageRead(asked, page.total, page.rows)))
        return tuple(pages)

    async def _read(self, sought: Sought, walker: str, spot: Spot | None) -> tuple[Page, Spot]:
        page, spot = await self._pager.read(sought, walker, spot)
        note_base(spot.snapshot.base)
        return page, spot

    async def close(self) -> None:
        """Stop waiting for listings."""
        await self._pager.close()
