"""Kinds of field with parts: structures, lists, and what the modern API has in another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from mturk_translators.faults import invalid_value, too_many
from mturk_translators.field import Field, Step, give_members, prepare, take_members
from mturk_translators.fields import Boolean, Integer
from mturk_translators.query import Node
from mturk_translators.values import amount_text, formatted_price, money_in
from mturk_translators.versions import NEWEST
from mturk_translators.xml import around, leaf


def _structures(given: Node, name: str) -> tuple[Node, ...]:
    """The structures of that name; a text in place of one is refused, for leaving it out would change what is asked."""
    text = given.text(name)
    if text is not None:
        raise invalid_value(text, f"{given.path}{name}", "It is a structure.")
    return given.structures(name)


@dataclass(frozen=True)
class Price(Field):
    """An amount of US dollars: a structure to legacy clients, text to the modern API (structures 3).

    `absent` is the amount written where the modern reply has none; `positive` refuses an amount of nothing.
    """

    absent: str | None = None
    positive: bool = False

    def take(self, given: Node) -> Any:
        price = next(iter(_structures(given, self.name)), None)
        if price is None:
            return None
        currency = price.text("CurrencyCode") or "USD"
        if currency != "USD":
            raise invalid_value(currency, f"{price.path}CurrencyCode", "The only currency is USD.")
        text = price.text("Amount")
        if text is None:
            return None
        amount = money_in(text.strip())
        if amount is None:
            raise invalid_value(text, f"{price.path}Amount")
        if self.positive and not amount.strip("0."):
            raise invalid_value(text, f"{price.path}Amount", "It has to be more than zero.")
        return amount

    def parameters(self) -> Iterator[tuple[str, bool]]:
        yield f"{self.name}.Amount", self.required
        yield f"{self.name}.CurrencyCode", False

    def give(self, value: Any, version: str) -> str:
        amount = self.absent if value is None else value
        return "" if amount is None else around(self.name, _price(amount))


@lru_cache(1024)
def _price(amount: str) -> str:
    # Many HITs have one reward, and decimal arithmetic is slow.
    return (
        leaf("Amount", amount_text(amount))
        + leaf("CurrencyCode", "USD")
        + leaf("FormattedPrice", formatted_price(amount))
    )


@dataclass(frozen=True)
class Structure(Field):
    """Named members inside one element."""

    fields: tuple[Field, ...] = ()

    def take(self, given: Node) -> Any:
        return next((take_members(self.fields, element) for element in _structures(given, self.name)), None)

    def parameters(self) -> Iterator[tuple[str, bool]]:
        for field in self.fields:
            for name, needed in field.parameters():
                yield f"{self.name}.{name}", self.required and needed

    def give(self, value: Any, version: str) -> str:
        return "" if value is None else around(self.name, "".join(give_members(self._steps(version), value, version)))

    @cached_property
    def _known_steps(self) -> dict[str, tuple[Step, ...]]:
        return {}

    def _steps(self, version: str) -> tuple[Step, ...]:
        steps = self._known_steps.get(version)
        if steps is None:
            known = [field for field in self.fields if field.known_to(version)]
            steps = self._known_steps[version] = prepare(known)
        return steps

    @cached_property
    def _versioned_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.since or field.until or field.versioned)

    @property
    def versioned(self) -> bool:
        return bool(self._versioned_fields)

    def varies(self, value: Any) -> bool:
        if value is None:
            return False
        for field in self._versioned_fields:
            inner = field.find(value)
            if field.varies(inner) or ((field.since or field.until) and field.give(inner, NEWEST)):
                return True
        return False


@dataclass(frozen=True)
class Each(Field):
    """A list of at most so many values, one element for each. Versions before `several_since` see only the first."""

    of: Field
    several_since: str | None = None
    most: int | None = None

    def take(self, given: Node) -> Any:
        if isinstance(self.of, Structure):
            return [take_members(self.of.fields, element) for element in _structures(given, self.name)] or None
        texts = given.texts(self.name)
        if self.most is not None and len(texts) > self.most:
            raise too_many(len(texts), f"{given.path}{self.name}", self.most)
        return [self.of.read(text, f"{given.path}{self.name}") for text in texts] or None

    def parameters(self) -> Iterator[tuple[str, bool]]:
        for name, needed in replace(self.of, required=True).parameters():
            yield f"{self.name}.n{name.removeprefix(self.of.name)}", self.required and needed

    def give(self, value: Any, version: str) -> str:
        if not value:
            return ""
        several = self.several_since is None or self.several_since <= version
        return "".join([self.of.give(item, version) for item in (value if several else value[:1])])

    @property
    def versioned(self) -> bool:
        return self.several_since is not None or self.of.versioned

    def varies(self, value: Any) -> bool:
        if not value:
            return False
        if self.several_since is not None and len(value) > 1:
            return True
        return self.of.versioned and any(map(self.of.varies, value))


@dataclass(frozen=True)
class AutoGrantedValue(Integer):
    """The value of a qualification that is granted without asking; of another the element is absent (quals 1)."""

    plain = None

    def find(self, reply: Mapping[str, Any]) -> Any:
        return super().find(reply) if reply.get("AutoGranted") else None


@dataclass(frozen=True)
class RequiredToPreview(Boolean):
    """Legacy `RequiredToPreview`, modern `ActionsGuarded`.

    It stands in every answer, `1` if the requirement guards previewing (structures 4).
    """

    def take(self, given: Node) -> Any:
        return "PreviewAndAccept" if super().take(given) else None

    def find(self, reply: Mapping[str, Any]) -> Any:
        return "Preview" in reply.get("ActionsGuarded", "") or reply.get("RequiredToPreview", False)
