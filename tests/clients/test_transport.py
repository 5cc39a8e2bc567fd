"""Each client is heard: methods, paths, where parameters stand, timestamps and signatures."""

from __future__ import annotations

import re

from clients.parameters import each
from clients.wire import CLIENTS, Exchange, perl, php_giacomo, php_jackbot, php_karlhepler
from mturk_gateway.auth import SERVICE
from mturk_gateway.clock import wall_clock
from support import fill, one, texts


@each(CLIENTS)
def test_each_client_is_understood_as_it_writes(gateway, patient, client):
    answer = Exchange(gateway.url, client(patient, "GetAccountBalance"))

    assert answer.status == 200, answer.content
    assert b"<GetAccountBalanceResult><Request><IsValid>True</IsValid></Request>" in answer.content
    assert texts(answer.root, "Amount")[0] == "10000.00"


@each(CLIENTS)
def test_each_client_is_refused_with_another_secret(gateway, patient, client):
    forger = type(patient)(patient.profile, patient.access_key, "not-the-secret")
    answer = Exchange(gateway.url, client(forger, "GetAccountBalance"))

    assert answer.status == 200
    assert one(answer.root, "Code") == "AWS.NotAuthorized"


def test_the_forms_are_those_that_the_table_of_clients_tells(requester):
    """What makes each of them hard to serve, so that no writer here turns into a better-behaved one."""
    written = {client.__name__: client(requester, "GetHIT", ("HITId", "3A")).decode() for client in CLIENTS}
    heads = {name: text.partition("\r\n\r\n")[0] for name, text in written.items()}

    def named(condition):
        return {name for name, text in written.items() if condition(name, text)}

    assert named(lambda _, text: "Version=20" not in text) == {"mturkr", "goamz", "php_mturk_api", "php_jackbot"}
    assert named(lambda _, text: f"Service={SERVICE}" not in text) == {
        "boto", "boto_through_proxy", "ruby_aws", "php_mturk_api", "php_jackbot",
    }  # fmt: skip
    assert named(lambda _, text: text.count(f"Service={SERVICE}") == 2) == {"perl"}
    assert named(lambda _, text: "\r\n\r\n&" in text) == {"mturkr"}
    assert named(lambda _, text: "SignatureVersion=1" in text) == {"boto", "boto_through_proxy"}
    assert named(lambda name, _: heads[name].startswith("GET /?")) == {
        "ruby_aws_get", "goamz", "php_giacomo", "php_jackbot",
    }  # fmt: skip
    assert named(lambda name, _: heads[name].startswith("POST http://")) == {"boto_through_proxy"}
    assert named(lambda name, _: re.search("Connection: .*close", heads[name])) == {"perl", "php_jackbot"}


@each([perl, php_jackbot])
def test_who_asks_for_the_connection_to_be_closed_gets_a_whole_body_and_that(gateway, patient, client):
    answer = Exchange(gateway.url, client(patient, "GetAccountBalance"))

    assert answer.closed
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_local_time_that_calls_itself_utc_is_stale_unless_the_profile_allows_for_it(gateway, requester):
    answer = Exchange(gateway.url, php_jackbot(requester, "GetAccountBalance"))

    assert (answer.status, one(answer.root, "Code")) == (200, "AWS.BadClaimsSupplied")


def test_one_client_reads_without_a_version_or_a_service_on_http_1_0(gateway, patient):
    (hit,) = fill(gateway, patient, [({}, int(wall_clock()))])
    for operation, pairs in (("GetHIT", [("HITId", hit)]), ("SearchHITs", [])):
        answer = Exchange(gateway.url, php_jackbot(patient, operation, *pairs))
        assert (answer.status, one(answer.root, "HITId"), answer.closed) == (200, hit, True)


@each([perl, php_karlhepler, php_giacomo])
def test_any_name_is_passed_on_as_an_operation(gateway, requester, client):
    answer = Exchange(gateway.url, client(requester, "GetNothing"))

    assert (answer.status, one(answer.root, "Code")) == (200, "AWS.InvalidOperationParameter")
