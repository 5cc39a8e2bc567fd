"""Bytes read as a row of decisions, so that whoever mutates the bytes mutates what is made of them."""

from __future__ import annotations


class Decisions:
    """Gives what the bytes say, and zeros behind their end."""

    def __init__(self, data):
        self._data = data
        self._place = 0

    def take(self, size):
        """So many bytes."""
        taken = self._data[self._place : self._place + size]
        self._place += size
        return taken.ljust(size, b"\0")

    def below(self, limit):
        """A number from 0 to below the limit."""
        return int.from_bytes(self.take(2)) % limit

    def choice(self, choices):
        """One of the choices."""
        return choices[self.below(len(choices))]

    def text(self, longest):
        """A text, of any characters, that UTF-8 can carry."""
        return self.take(self.below(longest)).decode("utf-8", "replace")
