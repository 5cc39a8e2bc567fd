"""Records what the tests beside it replay. `pytest tests/examples/record.py` does it anew, in an empty marketplace."""

import pytest
from boto.mturk.connection import MTurkConnection
from label_birds import collect, publish

WORKERS = {"A1LACONIC": "a bird", "A2LOQUACIOUS": "a small one that sings on a fence, very loudly"}


@pytest.mark.mturk_gateway(record="recordings", scrub=True)
def test_record(mturk_gateway):
    connection = MTurkConnection(
        mturk_gateway.access_key,
        mturk_gateway.secret_key,
        host=mturk_gateway.host,
        port=mturk_gateway.port,
        is_secure=False,
    )
    hits = publish(connection, ["robin.jpg", "wren.jpg"])
    assert collect(connection) == []

    for worker_id, answer in WORKERS.items():
        worker = mturk_gateway.worker(worker_id)
        for hit in hits:
            worker.submit(worker.accept(hit), {"bird": answer})

    assert len(collect(connection)) == 4
