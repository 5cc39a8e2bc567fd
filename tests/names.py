"""Amazon's host names, led to a port on loopback, as a hosts file would do it for a whole machine."""

from __future__ import annotations

import socket
from contextlib import contextmanager

import boto3
from botocore.config import Config

from mturk_gateway.tls.hosts import AMAZON_HOSTS, LEGACY_HOSTS, MODERN_HOSTS


@contextmanager
def amazon_at(port):
    """Who asks for one of the names at port 443 comes to this port, and everybody else where they want to."""
    real = socket.getaddrinfo

    def led(host, wanted, *rest, **named):
        if host in AMAZON_HOSTS and wanted == 443:
            return real("127.0.0.1", port, *rest, **named)
        return real(host, wanted, *rest, **named)

    socket.getaddrinfo = led
    try:
        yield
    finally:
        socket.getaddrinfo = real


@contextmanager
def boto_settings(folder, text):
    """The configuration file of boto, as its users write it."""
    from boto import config

    file = folder / "boto.cfg"
    file.write_text(text)
    config.read(file)
    try:
        yield
    finally:
        for section in ("Boto", "MTurk"):
            config.remove_section(section)


@contextmanager
def boto3_client(requester, authority, url=None):
    """A client that goes where boto3 goes by itself, if it is not told otherwise."""
    client = boto3.client(
        "mturk",
        aws_access_key_id=requester.access_key,
        aws_secret_access_key=requester.secret,
        region_name="us-east-1",
        verify=str(authority),
        config=Config(retries={"total_max_attempts": 1}),
        endpoint_url=url,
    )
    try:
        yield client
    finally:
        client.close()


SANDBOX = f"https://{MODERN_HOSTS[1]}"
"""What programs for boto3 have in them for the sandbox."""


def show_both_realms(requester, authority, folder):
    """Make a HIT with boto in production and one in the sandbox, and find each with boto3 where it was made.

    Both have Amazon's names from themselves, and their own ways of choosing the sandbox.
    """
    from clients.boto2 import PROPERTIES, QUESTION, connection

    def make():
        made = connection.MTurkConnection(requester.access_key, requester.secret)
        return made.host, made.create_hit(question=QUESTION, **PROPERTIES)[0].HITId

    certificates = f"[Boto]\nca_certificates_file = {authority}\n"
    with boto_settings(folder, certificates):
        host, real = make()
    with boto_settings(folder, f"{certificates}[MTurk]\nsandbox = True\n"):
        trial_host, trial = make()
    assert (host, trial_host) == LEGACY_HOSTS
    with boto3_client(requester, authority) as production, boto3_client(requester, authority, SANDBOX) as sandbox:
        assert production.meta.endpoint_url == f"https://{MODERN_HOSTS[0]}"
        assert [hit["HITId"] for hit in production.list_hits()["HITs"]] == [real]
        assert [hit["HITId"] for hit in sandbox.list_hits()["HITs"]] == [trial]
