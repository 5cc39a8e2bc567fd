"""What all tables share: their catalogue, and how changes of rows are numbered."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Integer,
    MetaData,
    ScalarSelect,
    String,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
    }
)


def id_column(name: str, *constraints: ForeignKey, primary_key: bool = False) -> Column[str]:
    """A column for an id in one of Amazon's forms."""
    return Column(name, String(64), *constraints, primary_key=primary_key, nullable=False)


def serial_column(name: str) -> Column[int]:
    """A primary key that the database counts up, so that rows are found in the order in which they were written."""
    # SQLite counts up only what it calls INTEGER.
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def newest_first_column() -> Column[int]:
    """A time with its sign changed, so that one ascending index gives newest first, then ids ascending."""
    return Column("newest_first", BigInteger, nullable=False)


def change_column(name: str, owner: str) -> Column[int]:
    """The number of the last change of a row, among all changes of the rows that have the same owner.

    Every UPDATE takes the next number, whether or not whoever wrote it thought of that; every INSERT is to say
    `next_change`. Writers take turns, so the numbers ascend in the order in which changes become visible.
    """
    following = _number(name, owner, literal_column(f"{name}.{owner}", String))
    return Column("change", BigInteger, nullable=False, server_default=text("0"), onupdate=following)


def next_change(owner: Column[str]) -> ScalarSelect[int]:
    """What an INSERT into the table of the column `owner` sets `change` to; the parameter `owner` is its value."""
    return _number(owner.table.description, owner.name, bindparam("owner", type_=String))


def _number(name: str, owner: str, owned_by: ColumnElement[str]) -> ScalarSelect[int]:
    latest = table(name, column(owner), column("change")).alias("latest")
    highest = select(func.coalesce(func.max(latest.c.change), 0) + 1)
    return highest.where(latest.c[owner] == owned_by).scalar_subquery()
