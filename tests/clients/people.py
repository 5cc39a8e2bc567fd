"""Workers, as `mturk-gateway worker` plays them."""

from __future__ import annotations

from dataclasses import dataclass

from click.testing import CliRunner

from mturk_gateway.__main__ import main


@dataclass(frozen=True)
class People:
    """Runs commands on the data folder of a gateway. Every method gives what is printed."""

    gateway: object

    def do(self, *words):
        """What `mturk-gateway worker` prints for these words."""
        command = ["worker", *words, "--data", str(self.gateway.settings.data)]
        result = CliRunner().invoke(main, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    def accept(self, hit, worker):
        """Take a HIT whatever it requires; the AssignmentId."""
        return self.do("accept", hit, "--worker", worker, "--qualified")

    def work(self, hit, worker, **answers):
        """Take a HIT and submit answers; the AssignmentId."""
        assignment = self.accept(hit, worker)
        given = [word for name, value in answers.items() for word in ("--answer", f"{name}={value}")]
        self.do("submit", assignment, *given)
        return assignment

    def ask_for(self, qualification_type, worker):
        """Request a qualification; the id of the request."""
        return self.do("request", qualification_type, "--worker", worker).split()[0]

    def messages(self, worker):
        """What requesters wrote to a worker."""
        return self.do("messages", "--worker", worker)
