#!/usr/bin/env python
"""Which bird is on each picture? Two workers look at each; they are paid, and who says most gets a bonus.

    label_birds.py publish robin.jpg wren.jpg
    label_birds.py collect > birds.csv

Keys are those of ~/.boto.
"""

import csv
import sys

from boto.mturk.connection import MTurkConnection
from boto.mturk.price import Price
from boto.mturk.question import ExternalQuestion

PAGE = "https://birds.example.org/label?picture=%s"
LONG_ANSWER = 40


def publish(connection, pictures):
    """Put a HIT for each picture on the market; gives their ids."""
    made = []
    for picture in pictures:
        (hit,) = connection.create_hit(
            title="Name the bird",
            description="Which bird is on the picture, and what does it do?",
            keywords="birds, pictures",
            question=ExternalQuestion(PAGE % picture, 600),
            annotation=picture,
            reward=Price(0.05),
            max_assignments=2,
            duration=600,
            lifetime=86400,
        )
        made.append(hit.HITId)
    return made


def reviewable(connection):
    """All HITs that are done, page by page."""
    number, seen, total = 1, 0, 1
    while seen < total:
        page = connection.get_reviewable_hits(page_size=10, page_number=number)
        total = int(page.TotalNumResults)
        for hit in page:
            yield hit.HITId
        seen += len(page)
        number += 1


def collect(connection):
    """Pay for what is done, and give it: picture, worker and answer of each assignment."""
    rows = []
    for hit_id in reviewable(connection):
        (hit,) = connection.get_hit(hit_id)
        for assignment in connection.get_assignments(hit_id, page_size=100):
            answer = assignment.answers[0][0].fields[0]
            rows.append((hit.RequesterAnnotation, assignment.WorkerId, answer))
            if assignment.AssignmentStatus == "Submitted":
                connection.approve_assignment(assignment.AssignmentId, "Thank you!")
                if len(answer) >= LONG_ANSWER:
                    connection.grant_bonus(assignment.WorkerId, assignment.AssignmentId, Price(0.10), "So much detail!")
        connection.dispose_hit(hit_id)
    return sorted(rows)


def main(connection, words):
    """What is asked for on the command line."""
    if words[:1] == ["publish"]:
        print("\n".join(publish(connection, words[1:])))
    elif words == ["collect"]:
        csv.writer(sys.stdout).writerows(collect(connection))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(MTurkConnection(), sys.argv[1:])
