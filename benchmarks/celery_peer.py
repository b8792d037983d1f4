"""The peer of the queue: Celery's no-op tasks over the same Valkey, late acknowledgement as ours."""

import os
import sys

from celery import Celery

app = Celery("bench", broker=os.environ.get("BENCH_BROKER", "redis://127.0.0.1:9/0"))
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=64, task_default_queue="bench"
)


@app.task(name="bench.nothing")
def nothing(number: int) -> None:
    """Do nothing."""


if __name__ == "__main__":
    with app.connection_for_write() as connection:
        producer = app.amqp.Producer(connection)
        for number in range(int(sys.argv[1])):
            nothing.apply_async((number,), producer=producer)
