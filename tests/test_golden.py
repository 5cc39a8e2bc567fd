"""Every golden pair: the real pipeline's answer byte for byte, and the calls that it makes for it."""

from __future__ import annotations

import difflib
from functools import cache

import botocore.session
import pytest
from botocore.validate import ParamValidator

from golden import CASES, FIXTURES, stage


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("golden")) as opened:
        yield opened


def by_name(case):
    return case.name


def lines(document):
    """The document cut between elements, so that a difference can be read."""
    return document.decode(errors="backslashreplace").replace("><", ">\n<").splitlines()


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_the_answer_and_the_calls_are_those_of_the_pair(golden, case):
    answer, calls = golden.play(case)

    assert calls == case.calls
    if answer.document != case.document:
        shown = "\n".join(
            difflib.unified_diff(lines(case.document), lines(answer.document), "golden", "answer", lineterm="", n=2)
        )
        pytest.fail(shown or f"{answer.document!r} is not {case.document!r}", pytrace=False)
    assert answer.status == case.facts.get("status", 200)


@cache
def service():
    return botocore.session.get_session().get_service_model("mturk")


def strangers(value, shape):
    """Words that are none of their enumeration, anywhere in a value: botocore does not look for these."""
    if shape.type_name == "structure":
        return [word for name, inner in value.items() for word in strangers(inner, shape.members[name])]
    if shape.type_name == "list":
        return [word for inner in value for word in strangers(inner, shape.member)]
    return [value] if getattr(shape, "enum", None) and value not in shape.enum else []


def assert_valid(value, shape):
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    assert strangers(value, shape) == []


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_calls_and_replies_fit_the_service_model(case):
    for (operation, params), reply in zip(case.calls, case.facts["replies"], strict=True):
        model = service().operation_model(operation)
        assert_valid(params, model.input_shape)
        if isinstance(reply, dict) and "error" not in reply:
            assert_valid(reply, model.output_shape)


def test_every_pair_is_whole_and_says_where_it_comes_from():
    pairs = {path.with_suffix("") for path in FIXTURES.glob("*/*") if path.parent.name != "signatures"}
    assert pairs == {case.path.with_suffix("") for case in CASES}
    for case in CASES:
        assert case.facts["source"]["kind"] in {"recorded", "documented", "composed"}, case.name
        assert case.facts["source"]["from"], case.name
        assert case.facts.keys() <= KEYS, case.name


KEYS = {"source", "usual", "sandbox", "now", "request_id", "status", "query", "calls", "replies"}
