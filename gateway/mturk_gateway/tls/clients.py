"""What each kind of client must be told before it trusts an authority of one's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """Programs and libraries that are told in the same way.

    `variables` name environment variables for a file with every trusted authority, `more` those for one with further
    ones. `lines` are to be written into files, or typed: in them, `{bundle}` is the first file and `{authority}` the
    second. Without any of these, the system's own trust is what counts. `note` is a sentence on what else matters.
    """

    names: tuple[str, ...]
    variables: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    note: str = ""


_PLAIN = "It speaks plain http, which Caddy and nginx answer for this machine alone with the files in deploy/."
_JAVA = "keytool -importcert -noprompt -alias mturk-gateway -file {authority} -storepass changeit -cacerts"

CLIENTS = (
    Client(
        ("boto", "psiTurk 2.1 and 2.2", "Dallinger 2 to 3.4"),
        lines=("in ~/.boto or /etc/boto.cfg:", "  [Boto]", "  ca_certificates_file = {bundle}"),
        note="Python 2.7 with OpenSSL 1.0.1 or newer.",
    ),
    Client(
        (
            "boto3",
            "aws-cli",
            "Mephisto",
            "oTree",
            "larry",
            "amti",
            "simple-amt",
            "psiTurk from 2.3",
            "Dallinger from 4",
        ),
        variables=("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    ),
    Client(("mturk-api", "nosub", "AWS SDK for JavaScript"), more=("NODE_EXTRA_CA_CERTS",), note="Node 7.3 or newer."),
    Client(("rturk", "turkee", "AWS SDK for Ruby"), variables=("SSL_CERT_FILE", "AWS_CA_BUNDLE")),
    Client(("ruby-aws",), note=_PLAIN),
    Client(("MTurkR", "pyMTurkR", "paws"), note="MTurkR goes by the system's trust alone; pyMTurkR is boto3."),
    Client(("Net::Amazon::MechanicalTurk",), variables=("PERL_LWP_SSL_CA_FILE",)),
    Client(
        ("java-aws-mturk", "Command Line Tools", "AWS SDK for Java"),
        lines=(
            "for a Java with authorities of its own (before Java 9: -keystore .../jre/lib/security/cacerts):",
            f"  {_JAVA}",
            "in mturk.properties, because the default is plain http:",
            "  service_url=https://mechanicalturk.amazonaws.com/?Service=AWSMechanicalTurkRequester",
        ),
        note="Java 8, or Java 7 with -Djdk.tls.client.protocols=TLSv1.2.",
    ),
    Client(
        ("goamz", "AWS SDK for Go"),
        variables=("SSL_CERT_FILE",),
        note="On macOS and Windows, Go goes by the system's trust.",
    ),
    Client(
        ("php-mturk-api", "Mechanical-Turk-PHP-SDK", "mechanical-turk (karlhepler)", "AWS SDK for PHP"),
        lines=("in php.ini:", "  openssl.cafile = {bundle}", "  curl.cainfo = {bundle}"),
        note="PHP 5.6 or newer. A distribution's PHP goes by the system's trust without this.",
    ),
    Client(("PHP-Mechanical-Turk (jackbot)",), note=_PLAIN),
    Client(("AWS SDK for .NET", "curl", "wget"), note="The system's trust is enough."),
    Client(
        ("browsers",),
        lines=(
            "Firefox, in about:config:",
            "  security.enterprise_roots.enabled = true",
            "Chrome on Linux:",
            "  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n mturk-gateway -i {authority}",
        ),
        note="For workers whose tasks send them to www.mturk.com; others need nothing.",
    ),
)
"""Every client of the legacy API that is known, and those of the modern one."""
