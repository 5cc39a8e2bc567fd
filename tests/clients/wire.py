"""Requests as raw bytes, in the form in which each client program writes them, and the answers to them."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from urllib.parse import quote, quote_plus, urlsplit

from mturk_gateway.auth import SERVICE, sign, standard_string, version_1_string
from mturk_gateway.clock import wall_clock
from mturk_translators.query import Pair
from mturk_translators.xml import parse
from support import signed_pairs, timestamp


class Exchange:
    """One request as raw bytes, and the answer to it."""

    def __init__(self, url, request, method="POST"):
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection, method=method)
            response.begin()
            self.status = response.status
            self.headers = {name.lower(): value for name, value in response.getheaders()}
            self.content = response.read()
            self.closed = self.headers.get("connection") == "close" and connection.recv(1) == b""
            response.close()

    @property
    def root(self):
        return parse(self.content)


def post(target, body, *headers):
    """A POST as most clients of the time wrote it."""
    lines = [
        f"POST {target} HTTP/1.1",
        "Host: mechanicalturk.amazonaws.com",
        f"Content-Length: {len(body)}",
        *(headers or ["Content-Type: application/x-www-form-urlencoded"]),
    ]
    return "\r\n".join([*lines, "", body]).encode()


def get(target, *headers, method="GET", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", "Host: mechanicalturk.amazonaws.com", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def encoded(pairs, quoted=quote_plus):
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)


def classic(requester, operation, moment, *pairs):
    """Key, operation, timestamp and signature, without a Service, as some clients send them."""
    signature = sign(requester.secret, standard_string(operation, moment))
    credentials = [("AWSAccessKeyId", requester.access_key), ("Timestamp", moment), ("Signature", signature)]
    return [("Operation", operation), *credentials, *pairs]


def boto(requester, operation, *pairs):
    """As boto 2, psiTurk and Dallinger: no Service, signature version 1 over everything, spaces as %20."""
    given = [("AWSAccessKeyId", requester.access_key), ("SignatureVersion", "1"), ("Timestamp", timestamp())]
    covered = [*given, ("Operation", operation), ("Version", "2014-08-15"), *pairs]
    covered.sort(key=lambda pair: pair[0].lower())
    signature = sign(requester.secret, version_1_string(tuple(Pair(*pair) for pair in covered)))
    body = encoded([*covered, ("Signature", signature)], lambda text: quote(text, safe="/~"))
    return post(
        "/",
        body,
        "Accept-Encoding: identity",
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent: Boto/2.49.0 Python/2.7.18 Linux/3.2",
    )


def boto_through_proxy(requester, operation, *pairs):
    """As psiTurk where its hosts are literals: the whole URL in the request line."""
    return boto(requester, operation, *pairs).replace(b"POST / ", b"POST http://mechanicalturk.amazonaws.com/ ", 1)


def rturk(requester, operation, *pairs):
    """Everything in the body, spaces as plus signs."""
    version = ("Version", "2012-03-25")
    body = encoded(signed_pairs(requester, operation, version, *pairs))
    return post("/", body, "Accept: */*; q=0.5, application/xml", "Content-Type: application/x-www-form-urlencoded")


def ruby_aws(requester, operation, *pairs):
    """No Service, and always this fraction of a second."""
    moment = timestamp().replace("Z", ".321Z")
    return post("/", encoded(classic(requester, operation, moment, *pairs, ("Version", "2007-06-21"))))


def ruby_aws_get(requester, operation, *pairs):
    return get(f"/?{encoded(signed_pairs(requester, operation, *pairs, ('Version', '2007-06-21')))}")


def mturkr(requester, operation, *pairs):
    """Service only in the URL, no Version, and a body that begins with an ampersand; a destination as it is."""
    given = classic(requester, operation, timestamp(), *pairs)
    written = [(name, value if name.endswith(".Destination") else quote(value, safe="@:")) for name, value in given]
    body = "".join(f"&{name}={value}" for name, value in written)
    return post(
        f"/?Service={SERVICE}",
        body,
        "User-Agent: libcurl/7.88.1 r-curl/5.0.0 httr/1.4.5",
        "Accept: */*",
        "Content-Type: application/x-www-form-urlencoded",
    )


def perl(requester, operation, *pairs):
    """Service twice, and a connection that is closed afterwards."""
    body = encoded(signed_pairs(requester, operation, *pairs, ("Version", "2011-10-01")))
    return post(
        f"/?Service={SERVICE}",
        body,
        "TE: deflate,gzip;q=0.3",
        "Connection: TE, close",
        "User-Agent: libwww-perl/6.68",
        "Content-Type: application/x-www-form-urlencoded",
        "X-Amazon-Software: MTurkPerlSDK/1.02",
    )


def goamz(requester, operation, *pairs):
    """No Version."""
    return get(f"/?{encoded(signed_pairs(requester, operation, *pairs))}", "User-Agent: Go-http-client/1.1")


def php_mturk_api(requester, operation, *pairs):
    """Neither Service nor Version, and a local time with its offset."""
    zone = timedelta(hours=-5)
    moment = (datetime.fromtimestamp(int(wall_clock()), UTC) + zone).strftime("%Y-%m-%dT%H:%M:%S-05:00")
    return post("/", encoded(classic(requester, operation, moment, *pairs)))


def php_giacomo(requester, operation, *pairs):
    """What has no value is sent with an empty one."""
    empty = ("Reason", "")
    return get(f"/?{encoded(signed_pairs(requester, operation, ('Version', '2014-08-15'), *pairs, empty))}")


def php_jackbot(requester, operation, *pairs):
    """Neither Service nor Version, and the local time of Amsterdam in summer, which it calls UTC."""
    moment = timestamp(wall_clock() + 7_200)
    return get(f"/?{encoded(classic(requester, operation, moment, *pairs))}", "Connection: close", version="1.0")


def php_karlhepler(requester, operation, *pairs):
    version = ("Version", "2014-08-15")
    return post(
        "/",
        encoded(signed_pairs(requester, operation, version, *pairs)),
        "User-Agent: GuzzleHttp/6.2.1 curl/7.47.0 PHP/7.0.8",
        "Content-Type: application/x-www-form-urlencoded",
    )


CLIENTS = [
    boto,
    boto_through_proxy,
    rturk,
    ruby_aws,
    ruby_aws_get,
    mturkr,
    perl,
    goamz,
    php_mturk_api,
    php_giacomo,
    php_jackbot,
    php_karlhepler,
]

CREATORS = [boto, boto_through_proxy, rturk, ruby_aws, ruby_aws_get, mturkr, perl, goamz, php_mturk_api]
"""Those that ever could create a HIT."""
