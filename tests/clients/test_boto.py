"""boto 2.49, which psiTurk and Dallinger are built on: where it connects, who it is, what it walks."""

from __future__ import annotations

import gc
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.retries.standard import ExponentialBackoff

from clients.boto2 import (
    LEFT,
    PROPERTIES,
    QUESTION,
    connect,
    connection,
)
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, write_profile
from support import ScriptedUpstream, fill, served

pytestmark = LEFT


@pytest.fixture
def settings():
    """Write boto's configuration file: the section about connections."""
    config = connection.config
    config.add_section("Boto")

    def write(**values):
        for name, value in values.items():
            config.set("Boto", name, value)

    yield write
    config.remove_section("Boto")


def test_account_balance(conn):
    answer = conn.get_account_balance()

    assert (answer[0].amount, answer[0].currency_code, answer[0].formatted_price) == (10000.0, "USD", "$10,000.00")
    assert answer.status is True
    assert answer.RequestId


@pytest.mark.parametrize("wrong", ["access_key", "secret"])
def test_wrong_credentials(gateway, requester, refused, wrong):
    stranger = replace(requester, **{wrong: "AKIDWRONG"})

    assert refused(connect(gateway, stranger).get_account_balance).error_code == "AWS.NotAuthorized"


def test_a_proxy_setting_reaches_the_gateway_in_place_of_amazons_hosts(gateway, requester, settings):
    """The way for programs, such as psiTurk, in which the hosts are literals: those of both realms are known."""
    address = urlsplit(gateway.url)
    settings(is_secure="False", proxy=address.hostname, proxy_port=str(address.port))
    production, sandbox = (
        connection.MTurkConnection(requester.access_key, requester.secret, host=host)
        for host in ("mechanicalturk.amazonaws.com", "mechanicalturk.sandbox.amazonaws.com")
    )
    made = sandbox.create_hit(question=QUESTION, **PROPERTIES)[0].HITId

    assert production.get_account_balance()[0].amount == 10000.0
    assert [hit.HITId for hit in sandbox.search_hits()] == [made]
    assert not production.search_hits()


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning", "ignore:unclosed <ssl:ResourceWarning")
def test_tls_is_spoken_with_a_certificate_that_the_settings_name(tmp_path, settings):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*words, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings(ca_certificates_file=str(certificate))
    write_profile(tmp_path / "credentials", Requester("lab", "AKIDLAB", "lab-secret"))
    options = ["--credentials", tmp_path / "credentials", "--tls-certificate", certificate, "--tls-key", key]
    with served(tmp_path / "data", *options) as (_, url):
        conn = connection.MTurkConnection("AKIDLAB", "lab-secret", host="localhost", port=urlsplit(url).port)

        assert conn.get_account_balance().status is True
        # The supervisor waits for connections that are open.
        del conn
        gc.collect()


def test_a_service_that_is_down_for_a_moment_is_asked_again_by_boto_itself(foreign_gateway, monkeypatch):
    """The program does not notice, because the HTTP status says so."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    tries = iter([500] * 3)

    def answer(*_):
        return next(tries, 200), {"AvailableBalance": "5.00"}

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        assert connect(gateway, requester).get_account_balance()[0].amount == 5.0
        # Three times by the gateway, which then gave up, and once more for boto's second request.
        assert len(upstream.calls) == 4


def test_an_operation_that_never_was(conn, refused):
    assert refused(conn._process_request, "NoSuchOperation", {}).error_code == "AWS.InvalidOperationParameter"


def test_help(conn):
    answer = conn.get_help("CreateHIT")

    assert (answer.Name, answer.status) == ("CreateHIT", True)
    assert conn.get_help("HITDetail", help_type="ResponseGroup").Name == "HITDetail"


# Pages


def test_boto_walks_sorts_and_pages_1050_hits(conn, gateway, requester):
    """Exact totals, no row twice and none missing, in every order that boto can ask for."""
    now = int(wall_clock())
    ids = fill(
        gateway, requester, [({"Title": f"t{n % 7}", "Reward": f"{n % 5}.00"}, now - n % 900) for n in range(1050)]
    )
    orders = {
        "CreationTime": lambda hit: hit.CreationTime,
        "Expiration": lambda hit: hit.Expiration,
        "Reward": lambda hit: float(hit.Amount),
        "Title": lambda hit: hit.Title,
        "Enumeration": lambda _hit: 0,
    }
    for order, key in orders.items():
        for direction in ("Ascending", "Descending"):
            hits = []
            number = 1
            while True:
                page = conn.search_hits(sort_by=order, sort_direction=direction, page_size=100, page_number=number)
                assert (page.TotalNumResults, page.NumResults) == ("1050", str(len(page)))
                if not page:
                    break
                hits += page
                number += 1
            assert Counter(hit.HITId for hit in hits) == Counter(ids)
            keys = [key(hit) for hit in hits]
            assert keys == sorted(keys, reverse=direction == "Descending")
            # psiTurk counts with these.
            assert {hit.NumberOfAssignmentsAvailable for hit in hits} == {"1"}


def test_boto_lists_reviewable_hits_with_the_defaults_that_it_always_sends(conn, gateway, requester):
    now = int(wall_clock())
    ids = fill(gateway, requester, [({"LifetimeInSeconds": 30 + n}, now - 1000) for n in range(25)])

    pages = [conn.get_reviewable_hits(page_size=10, page_number=number) for number in (1, 2, 3, 4)]

    # boto says Ascending where the service's own default was Descending.
    assert [hit.HITId for page in pages for hit in page] == ids
    assert {page.TotalNumResults for page in pages} == {"25"}
