"""Which client program a User-Agent stands for: what old programs are still there, and who is left to be rewritten."""

from __future__ import annotations

from functools import lru_cache

OTHER = "other"

_PROGRAMS = (
    ("aws-cli/", "aws-cli"),
    ("boto3/", "boto3"),
    ("botocore/", "botocore"),
    ("boto/", "boto"),
    ("node-soap/", "mturk-api"),
    ("axis/", "java-aws-mturk"),
    ("rest-client/", "rturk"),
    ("ruby-aws", "ruby-aws"),
    ("r-curl/", "MTurkR"),
    ("httr/", "MTurkR"),
    ("r (", "MTurkR"),
    ("r/", "MTurkR"),
    ("libwww-perl/", "perl"),
    ("perl", "perl"),
    ("guzzle", "php"),
    ("php", "php"),
    ("go-http-client/", "go"),
    ("go ", "go"),
    ("aws-sdk-", "aws-sdk"),
    ("ruby", "ruby"),
    ("python-requests/", "python"),
    ("python-httpx/", "python"),
    ("python-urllib", "python"),
    ("java/", "java"),
    ("okhttp/", "java"),
    ("apache-httpclient/", "java"),
    ("node", "node"),
    ("axios/", "node"),
    ("curl/", "curl"),
    ("wget/", "wget"),
    ("mozilla/", "browser"),
)
"""What a User-Agent begins with, in lower case. Some programs are known only by the library that speaks HTTP for them:
rturk by rest-client, MTurkR by R's curl, Amazon's Java SDK by Axis.
"""

_WITHIN = (
    ("mechanicalturk perl", "perl"),
    ("mechanical turk perl", "perl"),
    ("r-curl/", "MTurkR"),
    ("httr/", "MTurkR"),
    ("guzzle", "php"),
)
"""What may stand further on in one."""

PROGRAMS = frozenset(name for _, name in (*_PROGRAMS, *_WITHIN)) | {OTHER, "none"}
"""All that a program can be called."""


@lru_cache(1024)
def program_of(user_agent: str) -> str:
    """The name of a program: one of few, whatever it is told; `none` where there is no User-Agent."""
    told = user_agent[:256].lower()
    if not told:
        return "none"
    for part, name in _WITHIN:
        if part in told:
            return name
    for beginning, name in _PROGRAMS:
        if told.startswith(beginning):
            return name
    return OTHER
