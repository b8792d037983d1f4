"""The peer of the queue on PostgreSQL: procrastinate's no-op tasks, ten at once."""

import asyncio
import json
import os
import sys
import time

from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"], max_size=12))


@app.task(name="bench.nothing", queue="bench")
async def nothing(number: int) -> None:
    """Do nothing."""


async def main() -> None:
    """``prepare``: make its tables; a number: queue so many tasks, then time a worker that empties them."""
    async with app.open_async():
        if sys.argv[1] == "prepare":
            await app.schema_manager.apply_schema_async()
            return
        count = int(sys.argv[1])
        await nothing.batch_defer_async(*({"number": number} for number in range(count)))
        start = time.perf_counter()
        await app.run_worker_async(
            queues=["bench"], wait=False, concurrency=10, install_signal_handlers=False, listen_notify=False
        )
        print(json.dumps({"per_second": count / (time.perf_counter() - start)}))


if __name__ == "__main__":
    asyncio.run(main())
