"""Backup and restore of a whole catalogue: tables, pictures and which index was in use.

A backup is a folder or a tar file:

    catalogue.sqlite, or products.jsonl.gz and so on   the tables at one instant
    images/ab/cd/<sha256>                              the pictures that those show
    manifest.json                                      version, checksums, counts; written last

The index itself is left out: it is made again from the saved features. Passwords and keys are no part of it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256 as sha256_of
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, select, update

from Data import dumps, migrate
from Data.archives import ArchiveReader, new_archive, open_archive
from Data.catalogue import Catalogue
from Data.database import writing
from Data.errors import BackupInvalid, ImageNotFound, IndexCorrupt, RestoreRefused
from Data.images import ImageStore, relative_path
from Data.index.generations import current_name
from Data.index.manifest import read_manifest
from Data.schema import index_state

FORMAT = "similook-backup"
VERSION = 1
_MANIFEST = "manifest.json"
_IMAGES = "images/"
# After a restore the log starts above any number that an old index can have been built through, so such an index is
# noticed (ChangesPruned) instead of being followed on.
_LOG_STRIDE = 10**9


class BackupManifest(BaseModel):
    """What a backup holds.

    Args:
        revision: Of the tables (Data/migrations).
        database: "sqlite" or "postgresql": how the tables were dumped. Either can be restored into the other.
        files: Table file to sha256.
        products: Number of products.
        images: Number of pictures.
        missing_images: Pictures that products show but the store did not hold, or held damaged.
        index: What manifest.json of the index generation in use said, for information; None without a sound one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    version: int = VERSION
    created_at: datetime
    revision: str
    database: str
    files: dict[str, str]
    products: int
    images: int
    missing_images: tuple[str, ...] = ()
    index: dict[str, Any] | None = None


def backup(
    catalogue: Catalogue, images: ImageStore, target: str | Path, index_folder: str | Path | None = None
) -> BackupManifest:
    """Write a consistent backup while the catalogue stays in use.

    The tables are of one instant; pictures are stored before rows show them and never change, so those that the
    tables show are there.

    Args:
        target: A new or empty folder, or a file that ends in .tar, .tar.gz or .tgz.
        index_folder: Where the index generations lie, to note which one was in use.
    Returns:
        What was written; look at missing_images.
    Raises:
        BackupError: the target is taken or cannot be written to.
        DatabaseOutOfDate, DatabaseUnavailable, ImageStoreError.
    """
    catalogue.check()
    with TemporaryDirectory(prefix="similook-backup-") as scratch, new_archive(Path(target)) as archive:
        folder = Path(scratch)
        files: dict[str, str] = {}
        for path in dumps.dump(catalogue.engine, folder):
            files[path.name] = _sha256_of_file(path)
            archive.add_file(path.name, path)
        stored, missing = 0, []
        for sha256 in dumps.referenced_pictures(folder):
            try:
                data = images.get(sha256)
            except ImageNotFound:
                data = b""
            if sha256_of(data).hexdigest() == sha256:
                archive.add_bytes(f"{_IMAGES}{relative_path(sha256)}", data)
                stored += 1
            else:
                missing.append(sha256)
        manifest = BackupManifest(
            created_at=datetime.now(UTC),
            revision=migrate.head(),
            database=catalogue.engine.dialect.name,
            files=files,
            products=dumps.count_rows(folder, "products"),
            images=stored,
            missing_images=tuple(missing),
            index=_index_in_use(index_folder),
        )
        archive.add_bytes(_MANIFEST, manifest.model_dump_json(indent=2).encode())
    return manifest


def restore(source: str | Path, catalogue: Catalogue, images: ImageStore, replace: bool = False) -> BackupManifest:
    """Bring a backup back. Every file is checked before anything is touched; the tables come back in one transaction.

    Build the index anew afterwards (`similook index --rebuild`): an older one is refused by the change log.

    Args:
        catalogue: An empty database, with or without tables, of either kind.
        images: Pictures that it holds already stay.
        replace: Throw away what the database holds.
    Raises:
        BackupInvalid: incomplete, damaged, or of a version or revision that this program does not know.
        RestoreRefused: the catalogue holds products, and replace is not set.
        DatabaseUnavailable, ImageStoreError.
    """
    with open_archive(Path(source)) as archive, TemporaryDirectory(prefix="similook-restore-") as scratch:
        manifest = _read_manifest(archive)
        _check(archive, manifest, Path(scratch))
        if not replace and (held := _held(catalogue)):
            raise RestoreRefused(
                f"The catalogue holds {held} products: restore into an empty database, or allow their replacement."
            )
        # Pictures first: rows then never show one that is not there.
        for _, data in _pictures(archive):
            images.put(data)
        with writing(catalogue.engine, serialise=False) as connection:
            migrate.lock(connection)
            seq, next_vector_id = _position(connection)
            migrate.rebuild(connection, manifest.revision, lambda: dumps.load(connection, Path(scratch)))
            _start_log(connection, seq, next_vector_id)
    return manifest


def inspect(source: str | Path) -> BackupManifest:
    """Check every file of a backup and return what it holds.

    Raises:
        BackupInvalid.
    """
    with open_archive(Path(source)) as archive, TemporaryDirectory(prefix="similook-restore-") as scratch:
        manifest = _read_manifest(archive)
        _check(archive, manifest, Path(scratch))
    return manifest


def _read_manifest(archive: ArchiveReader) -> BackupManifest:
    try:
        raw = json.loads(archive.read(_MANIFEST))
    except KeyError:
        raise BackupInvalid("This is no backup, or one that was cut off: it has no manifest.json.") from None
    except ValueError:
        raise BackupInvalid("The backup's manifest.json is damaged: use another backup.") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise BackupInvalid("This is not a backup of Similook.")
    if raw.get("version") != VERSION:
        raise BackupInvalid(f"The backup has the format {raw.get('version')}, which needs another version of Similook.")
    try:
        manifest = BackupManifest.model_validate(raw)
    except ValidationError:
        raise BackupInvalid("The backup's manifest.json is damaged: use another backup.") from None
    if manifest.revision not in migrate.known():
        raise BackupInvalid(f"The backup's tables have the revision {manifest.revision}: use a newer Similook.")
    return manifest


def _check(archive: ArchiveReader, manifest: BackupManifest, scratch: Path) -> None:
    """Compare all checksums, leaving the table files in the scratch folder."""
    if sorted(manifest.files) != sorted(dumps.files_for(manifest.database)):
        raise BackupInvalid("The backup's manifest.json is damaged: use another backup.")
    for name, expected in manifest.files.items():
        try:
            archive.copy_out(name, scratch / name)
        except KeyError:
            raise BackupInvalid(f"The backup lacks the file {name}: use another backup.") from None
        if _sha256_of_file(scratch / name) != expected:
            raise BackupInvalid(f"The backup's file {name} is damaged: use another backup.")
    number = 0
    for sha256, data in _pictures(archive):
        number += 1
        if sha256_of(data).hexdigest() != sha256:
            raise BackupInvalid(f"The backup's picture {sha256} is damaged: use another backup.")
    if number != manifest.images:
        raise BackupInvalid(f"The backup holds {number} pictures of {manifest.images}: use another backup.")


def _pictures(archive: ArchiveReader) -> Iterator[tuple[str, bytes]]:
    for name in archive.names():
        if name.startswith(_IMAGES):
            yield name.rsplit("/", 1)[-1], archive.read(name)


def _held(catalogue: Catalogue) -> int:
    return 0 if migrate.current(catalogue.engine) is None else catalogue.count()


def _position(connection: Connection) -> tuple[int, int]:
    """Return how far the database that is about to be replaced had come."""
    if migrate.revision_of(connection) is None:
        return 0, 1
    row = connection.execute(select(index_state.c.seq, index_state.c.next_vector_id)).one()
    return row.seq, row.next_vector_id


def _start_log(connection: Connection, seq: int, next_vector_id: int) -> None:
    restored = connection.execute(select(index_state)).one()
    start = (max(seq, restored.seq) // _LOG_STRIDE + 1) * _LOG_STRIDE
    connection.execute(
        update(index_state).values(
            seq=start, pruned_through=start, next_vector_id=max(next_vector_id, restored.next_vector_id)
        )
    )


def _index_in_use(folder: str | Path | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    try:
        name = current_name(Path(folder))
        return None if name is None else read_manifest(Path(folder) / name).model_dump(mode="json")
    except IndexCorrupt:
        return None  # damaged, or removed this instant: it is information only


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256_of()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
