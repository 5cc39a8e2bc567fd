"""Which client program a User-Agent stands for."""

from __future__ import annotations

import pytest

from mturk_gateway.observing.programs import PROGRAMS, program_of


@pytest.mark.parametrize(
    ("user_agent", "program"),
    [
        ("Boto/2.49.0 Python/2.7.18 Linux/6.18.44", "boto"),
        ("Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7 Botocore/1.44.5", "boto3"),
        ("aws-cli/1.46.3 md/Botocore#1.44.5 ua/2.1 os/linux", "aws-cli"),
        ("Botocore/1.44.5 Python/3.11", "botocore"),
        ("node-soap/0.16.0", "mturk-api"),
        ("Axis/1.4", "java-aws-mturk"),
        ("rest-client/2.1.0 (linux-gnu x86_64) ruby/3.1.2p20", "rturk"),
        ("Ruby", "ruby"),
        ("libcurl/7.88.1 r-curl/5.0.0 httr/1.4.5", "MTurkR"),
        ("R (4.2.2 x86_64-pc-linux-gnu x86_64 linux-gnu)", "MTurkR"),
        ("libwww-perl/6.68", "perl"),
        ("Go-http-client/1.1", "go"),
        ("GuzzleHttp/6.5.5 curl/7.88.1 PHP/8.2.7", "php"),
        ("PHP/8.2", "php"),
        ("aws-sdk-nodejs/2.1500.0 linux/v20", "aws-sdk"),
        ("curl/7.88.1", "curl"),
        ("", "none"),
        ("My very own script", "other"),
    ],
)
def test_known_programs_are_told_by_their_user_agents(user_agent, program):
    assert program_of(user_agent) == program


def test_whatever_clients_call_themselves_there_are_few_programs():
    told = ["boto", "Boto/", "x" * 100_000, "\x00\n\r", "R" * 9, "żółw", *(f"thing/{number}" for number in range(50))]

    assert {program_of(user_agent) for user_agent in told} <= PROGRAMS
