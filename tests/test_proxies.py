"""Behind Caddy and nginx, with the files from `deploy/`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mturk_gateway.clock import wall_clock
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_gateway.tls.authority import make_certificates
from mturk_gateway.tls.files import TlsFiles
from mturk_gateway.tls.hosts import AMAZON_HOSTS, LEGACY_HOSTS
from mturk_translators.xml import parse
from names import amazon_at, show_both_realms
from support import free_port, one, signed_query

DEPLOY = Path(__file__).parent.parent / "deploy"
NAME = LEGACY_HOSTS[0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = TlsFiles(tmp_path_factory.mktemp("made") / "tls")
    make_certificates(made, AMAZON_HOSTS, wall_clock())
    return made


def replaced(text, **pairs):
    for old, new in pairs.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def caddy(folder, files, ports, upstream):
    """Command line and environment of a Caddy with our file; only where it listens is another."""
    text = replaced(
        (DEPLOY / "Caddyfile").read_text(),
        listen=("\n{\n", "\n{\n\tadmin off\n\tdefault_bind 127.0.0.1\n"),
    )
    (folder / "Caddyfile").write_text(text)
    environment = {
        "MTURK_GATEWAY_CERTIFICATE": str(files.certificate),
        "MTURK_GATEWAY_KEY": str(files.key),
        "MTURK_GATEWAY_UPSTREAM": f"127.0.0.1:{upstream}",
        "MTURK_GATEWAY_HTTPS_PORT": str(ports[0]),
        "MTURK_GATEWAY_HTTP_PORT": str(ports[1]),
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
    }
    return ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"], environment


def nginx(folder, files, ports, upstream):
    """The same of an nginx; what is around our file is what every nginx has around it."""
    text = replaced(
        (DEPLOY / "nginx.conf").read_text(),
        upstream=("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
        tls=("listen 443 ssl default_server;", f"listen 127.0.0.1:{ports[0]} ssl default_server;"),
        plain=("listen 127.0.0.1:80;", f"listen 127.0.0.1:{ports[1]};"),
        certificate=("ssl_certificate     /etc/nginx/mturk-gateway.pem;", f"ssl_certificate {files.certificate};"),
        key=("ssl_certificate_key /etc/nginx/mturk-gateway.key;", f"ssl_certificate_key {files.key};"),
        log=("access_log /var/log/nginx/", f"access_log {folder}/"),
        errors=("error_log  /var/log/nginx/", f"error_log {folder}/"),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1; error_log stderr crit;\n"
        f"events {{}}\nhttp {{ {folders}\n{text} }}\n"
    )
    return ["nginx", "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "log"], dict(os.environ)


PROXIES = {"caddy": caddy, "nginx": nginx}


@contextmanager
def running(kind, folder, files, upstream):
    """A proxy in front of a port; gives its ports for TLS and for plain HTTP."""
    if not shutil.which(kind):
        pytest.skip(f"{kind} is not installed")
    ports = free_port(), free_port()
    words, environment = PROXIES[kind](folder, files, ports, upstream)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    try:
        for port in ports:
            wait_for(port, process, folder)
        yield ports
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port, process, folder):
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        else:
            return


def exchange(files, port, request, *, name=NAME):
    """Status, headers and body of the answer to some bytes over TLS."""
    context = ssl.create_default_context(cafile=files.authority)
    context.check_hostname = bool(name)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        wrapped.sendall(request)
        return read_answer(wrapped)


def read_answer(connection):
    stream = connection.makefile("rb")
    status = int(stream.readline().split()[1])
    headers = {}
    while (line := stream.readline().decode().rstrip()) != "":
        key, _, value = line.partition(":")
        headers[key.lower()] = value.strip()
    return status, headers, stream.read(int(headers["content-length"]))


def form(body, headers="", target="/", host=NAME):
    return (
        f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n{body}"
    ).encode()


MODERN = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: MTurkRequesterServiceV20170117.ListHITs\r\n"
SOAP = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nSOAPAction: "http://soap.amazon.com"\r\n'


@pytest.fixture(scope="module")
def gateway_behind(tmp_path_factory):
    """A gateway that believes the proxies on this machine."""
    settings = Settings(data=tmp_path_factory.mktemp("behind") / "data", behind_proxy="127.0.0.1")
    with EmbeddedGateway(settings) as gateway:
        yield gateway


@pytest.fixture(scope="module", params=sorted(PROXIES))
def front(request, gateway_behind, files, tmp_path_factory):
    """A proxy in front of the gateway: its folder and its ports."""
    folder = tmp_path_factory.mktemp(request.param)
    port = int(gateway_behind.url.rpartition(":")[2])
    with running(request.param, folder, files, port) as ports:
        yield request.param, folder, ports


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning", "ignore:unclosed <ssl:ResourceWarning")
def test_programs_with_amazons_names_in_them_run_unchanged(front, gateway_behind, files, tmp_path, collected):
    kind, _, (port, _) = front
    with amazon_at(port):
        show_both_realms(gateway_behind.add_requester(f"lab-{kind}"), files.authority, tmp_path)


def test_who_does_not_say_the_name_gets_the_certificate_too(front, gateway_behind, files):
    """Python before 2.7.9 and Java 6 never say it, and boto 2 never does."""
    kind, _, (port, _) = front
    requester = gateway_behind.add_requester(f"nameless-{kind}")
    status, _, body = exchange(files, port, form(signed_query(requester, "GetAccountBalance")), name=None)

    assert (status, one(parse(body), "Amount")) == (200, "10000.00")


@pytest.mark.parametrize("head", ["GET /healthz HTTP/1.1\r\nHost: turk.example.org", "GET /healthz HTTP/1.0"])
def test_any_name_is_answered_and_none(front, files, head):
    """Under a name of the operator's own, and to clients of HTTP/1.0, which need not give one."""
    _, _, (port, _) = front

    assert exchange(files, port, f"{head}\r\n\r\n".encode())[::2] == (200, b"ok\n")


def test_plain_http_is_answered_on_this_machine(front, gateway_behind):
    """ruby-aws and java-aws-mturk have http:// in them."""
    kind, _, (_, port) = front
    requester = gateway_behind.add_requester(f"plain-{kind}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(form(signed_query(requester, "GetAccountBalance")))
        status, _, body = read_answer(connection)

    assert (status, one(parse(body), "Amount")) == (200, "10000.00")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (f"GET /?a={'a' * 64_900} HTTP/1.1\r\nHost: {NAME}\r\n\r\n", 200, "AWS.NotAuthorized"),
        (f"GET /?a={'a' * 70_000} HTTP/1.1\r\nHost: {NAME}\r\n\r\n", 414, "InvalidRequest"),
        (f"GET /?a=1 HTTP/1.1\r\nHost: {NAME}\r\nX: {'x' * 60_000}\r\n\r\n", 200, "AWS.NotAuthorized"),
        (f"GET /?a=1 HTTP/1.1\r\nHost: {NAME}\r\nX: {'x' * 90_000}\r\n\r\n", 431, "InvalidRequest"),
        (form(f"a={'a' * 1_048_574}").decode(), 200, "AWS.NotAuthorized"),
        (form(f"a={'a' * 1_048_575}").decode(), 413, "InvalidRequest"),
    ],
    ids=["long URL", "too long URL", "long header", "too long header", "large body", "too large body"],
)
def test_sizes_are_those_of_the_gateway_and_refusals_are_readable(front, files, request_, status, code):
    _, _, (port, _) = front
    found, headers, body = exchange(files, port, request_.encode())

    assert (found, headers["content-type"]) == (status, "text/xml; charset=UTF-8")
    assert one(parse(body), "Code") == code


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        told = {name.lower(): value for name, value in self.headers.items()}
        content = json.dumps({"path": self.path, "port": self.client_address[1], "headers": told}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Hasty(BaseHTTPRequestHandler):
    """Answers a connection's first request, and hangs up over the second after it has been read."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    seen: list[str]

    def do_GET(self):
        self.seen.append(self.path)
        if self.path == "/first":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def upstream(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("kind", sorted(PROXIES))
def test_the_gateway_is_told_what_the_client_sent_and_who_it_is(kind, files, tmp_path):
    forged = "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: http\r\n"
    with upstream(Echo) as behind, running(kind, tmp_path, files, behind) as (port, _):
        host = f"{NAME}:{port}"
        told = [json.loads(exchange(files, port, form("a=1", forged, "/%7E?b=%20+c", host))[2]) for _ in range(2)]

    assert told[0]["path"] == "/%7E?b=%20+c"
    headers = told[0]["headers"]
    # Modern requests sign it as it was, with the port.
    assert headers["host"] == host
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert told[0]["port"] == told[1]["port"], "connections are kept"


@pytest.mark.parametrize("kind", sorted(PROXIES))
def test_a_request_is_never_sent_twice(kind, files, tmp_path):
    """A GET of the legacy API may create a HIT; the client decides whether it asks again."""
    seen = []
    handler = type("Handler", (Hasty,), {"seen": seen})
    with upstream(handler) as behind, running(kind, tmp_path, files, behind) as (port, _):
        for path in ("/first", "/second"):
            status = exchange(files, port, f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())[0]

    assert (status, seen) == (503, ["/first", "/second"])


@pytest.mark.parametrize("kind", sorted(PROXIES))
def test_while_the_gateway_is_away_each_caller_is_told_in_its_own_protocol(kind, files, tmp_path):
    with ExitStack() as stack:
        port, _ = stack.enter_context(running(kind, tmp_path, files, free_port()))
        legacy = exchange(files, port, form("a=1", target="/?Signature=secret"))
        modern = exchange(
            files, port, f"{MODERN}Host: {NAME}\r\nContent-Length: 2\r\n\r\n{{}}".replace("Host: x\r\n", "").encode()
        )
        soap = exchange(
            files, port, f"{SOAP}Content-Length: 4\r\n\r\n<a/>".replace("Host: x", f"Host: {NAME}").encode()
        )

    status, headers, body = legacy
    assert (status, headers["content-type"]) == (503, "text/xml; charset=UTF-8")
    assert b"<Errors>" in body
    assert [element.tag for element in parse(body).iter()] == [
        "Response", "Errors", "Error", "Code", "Message", "RequestID"
    ]  # fmt: skip
    assert one(parse(body), "Code") == "ServiceUnavailable"
    assert one(parse(body), "RequestID")
    status, headers, body = modern
    assert (status, headers["content-type"]) == (503, "application/x-amz-json-1.1")
    assert json.loads(body)["__type"] == "ServiceFault"
    status, headers, body = soap
    assert (status, headers["content-type"]) == (500, "text/xml; charset=UTF-8")
    assert one(parse(body), "faultcode") == "soapenv:Server"
    logs = "".join(file.read_text() for file in tmp_path.glob("*log*"))
    assert "secret" not in logs
