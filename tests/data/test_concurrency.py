"""Several writers, readers in between, and writers that are killed."""

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy.engine import make_url

from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.database import bulk_insert, reading, writing
from Data.errors import DatabaseUnavailable, DataError
from Data.features import FeatureRow, Features
from Data.leases import Lease
from Data.product import Picture, Product
from Data.schema import leases

PER_BATCH = 20


def sha(number: int) -> str:
    return f"{number:064x}"


def batch(writer: int, turn: int) -> list[Product]:
    """Return products whose name says which turn wrote them; all writers write the same ones."""
    return [
        Product(
            product_id=f"{number:03}",
            name=f"{writer}-{turn}",
            pictures=(Picture(sha256=sha(turn * 1000 + writer * 100 + number)),),
        )
        for number in range(PER_BATCH)
    ]


def features_of(writer: int, turn: int) -> list[FeatureRow]:
    vector = np.eye(4)[turn % 4]
    return [FeatureRow(sha(turn * 1000 + writer * 100 + number), vector, {}) for number in range(PER_BATCH)]


def write_for_ever(url: str, writer: int, ready: str) -> None:
    """Upsert and embed until killed."""
    with Catalogue.open(url) as catalogue:
        features = Features(catalogue.engine)
        turn = 0
        while True:
            catalogue.upsert(batch(writer, turn))
            features.put("e", features_of(writer, turn))
            turn += 1
            Path(ready).write_text(str(turn))


def check_whole(catalogue: Catalogue) -> None:
    """Assert that no transaction is there in part and that the log tells of every vector."""
    products = list(catalogue.iterate())
    assert len(products) in (0, PER_BATCH)
    assert len({product.name for product in products}) <= 1  # one batch, not two mixed
    changes = ChangeLog(catalogue.engine).since(0, limit=1_000_000)
    assert [change.seq for change in changes] == list(range(1, len(changes) + 1))
    ups = Counter(change.vector_id for change in changes if change.op == "upsert")
    gone = {change.vector_id for change in changes if change.op == "delete"}
    shown = {int(number) for batch in Features(catalogue.engine).iterate("e") for number in batch.vector_ids}
    assert shown == set(ups) - gone


def test_readers_and_writers_in_threads(catalogue: Catalogue) -> None:
    features = Features(catalogue.engine)

    def write(writer: int) -> None:
        for turn in range(6):
            catalogue.upsert(batch(writer, turn))
            features.put("e", features_of(writer, turn))

    def read(_: int) -> None:
        for _turn in range(30):
            products = catalogue.get_many([f"{number:03}" for number in range(PER_BATCH)])
            assert len({product.name if product else None for product in products}) == 1

    def follow(_: int) -> None:
        # Numbers must appear in order: a follower that has seen n never finds a smaller one later.
        log, seq = ChangeLog(catalogue.engine), 0
        for _turn in range(60):
            for change in log.since(seq):
                assert change.seq == seq + 1
                seq = change.seq

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(job, number) for number in range(2) for job in (write, read, follow)]
        for job in jobs:
            job.result()
    check_whole(catalogue)


def test_writers_that_are_killed_lose_nothing(catalogue: Catalogue, database_url: str, tmp_path: Path) -> None:
    """Two writers fight over the same products and are killed at any instant; what is left is whole."""
    for number, delay_s in enumerate((0.0, 0.007, 0.05)):
        signs = [tmp_path / f"{number}-{writer}" for writer in range(2)]
        writers = [
            subprocess.Popen([sys.executable, __file__, database_url, str(writer), str(sign)])
            for writer, sign in enumerate(signs)
        ]
        deadline = time.monotonic() + 60
        while not any(sign.exists() for sign in signs) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(delay_s)
        for writer in writers:
            writer.kill()
            writer.wait()
        assert any(sign.exists() for sign in signs)
        check_whole(catalogue)
    catalogue.upsert(batch(9, 9))
    Features(catalogue.engine).put("e", features_of(9, 9))
    check_whole(catalogue)
    assert catalogue.get("000").name == "9-9"


def test_of_many_one_gets_the_lease(catalogue: Catalogue) -> None:
    def ask(number: int) -> bool:
        try:
            Lease(catalogue.engine, "indexer", f"holder {number}").acquire()
        except DataError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(16))) == 1


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Data.database.BUSY_TIMEOUT_S", 0.05)
    url = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    with Catalogue.open(url) as catalogue:
        catalogue.migrate()
        other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="database is locked"):
            catalogue.upsert(batch(0, 0))
        assert catalogue.count() == 0  # reading goes on meanwhile
        other.execute("ROLLBACK")
        other.close()
        catalogue.upsert(batch(0, 0))


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with (
        Catalogue.open(f"postgresql://nobody@/nothing?host={tmp_path}") as catalogue,
        pytest.raises(DatabaseUnavailable),
    ):
        catalogue.count()


def test_a_server_that_drops_its_connections(catalogue: Catalogue, postgresql_server: str) -> None:
    """What happens when PostgreSQL is restarted: the work under way fails in words, the next goes through."""
    if catalogue.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no connections to drop")

    def drop(pid: int) -> None:
        with psycopg.connect(postgresql_server, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    for statement in ("SELECT 1", "COPY"):
        with pytest.raises(DatabaseUnavailable), writing(catalogue.engine) as connection:
            drop(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            if statement == "COPY":
                bulk_insert(connection, leases, ("name", "holder", "expires_at"), [("a", "b", 1)])
            else:
                connection.exec_driver_sql(statement)
    with reading(catalogue.engine) as connection:
        idle = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    drop(idle)
    catalogue.upsert(batch(0, 0))
    assert catalogue.count() == PER_BATCH


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").write_text("this is not a database, whatever its name says " * 10)
    with Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as catalogue, pytest.raises(DatabaseUnavailable):
        catalogue.migrate()


if __name__ == "__main__":
    write_for_ever(sys.argv[1], int(sys.argv[2]), sys.argv[3])
