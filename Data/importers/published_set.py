"""What the layouts of published sets share: one table beside its pictures, in a folder, a tar or a zip."""

from pathlib import Path

from Data.errors import ImportFailed
from Data.importers.files import open_files


class PublishedSet:
    """A table and its pictures; a layout adds `rows`.

    Attributes:
        table: Name of the table's file.
        title: What the set is, for a message.
        total: Number of rows; not known before the end.
    """

    table: str
    title: str
    total: int | None = None

    def __init__(self, path: Path) -> None:
        """Open the folder, tar or zip.

        Raises:
            ImportFailed: not of this layout.
        """
        self._files = open_files(path)
        self._name = path.name
        try:
            self._files.open(self.table).close()
        except FileNotFoundError:
            raise ImportFailed(f"{path.name} holds no {self.table}: it is not {self.title}.") from None

    def read(self, file: str) -> bytes:
        """Return a picture's bytes."""
        return self._files.read(file)

    def fingerprint(self, file: str) -> str | None:
        """Return what changes when a picture does."""
        return self._files.fingerprint(file)
