"""The data folder, opened for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from mturk_gateway.admin import RequesterError
from mturk_gateway.commands.from_settings import settings_of
from mturk_gateway.credentials import CredentialsError
from mturk_gateway.database import Database
from mturk_gateway.house import House
from mturk_gateway.marketplace.services.working.profiles import ProfileError
from mturk_gateway.marketplace.services.working.refusals import WorkerRefused
from mturk_gateway.permissions import keep_to_ourselves
from mturk_gateway.schemas import SchemaError


@contextmanager
def open_house(config: Path | None, options: dict[str, Any]) -> Iterator[House]:
    """The data folder of the settings; what is refused inside the block is a ClickException outside."""
    keep_to_ourselves()
    try:
        house = House.open(settings_of(config, options))
    except OSError as error:
        raise click.ClickException(str(error)) from None
    try:
        house.prepare()
        yield house
    except (CredentialsError, RequesterError, SchemaError, WorkerRefused, ProfileError) as error:
        raise click.ClickException(str(error)) from None
    except UnicodeEncodeError:
        raise click.ClickException("an argument is not UTF-8") from None
    finally:
        house.close()


def marketplace_of(house: House) -> Database:
    """The embedded marketplace. Raises ClickException where the upstream is somebody else's."""
    if house.marketplace is None:
        raise click.ClickException("this works on the embedded marketplace only")
    return house.marketplace
