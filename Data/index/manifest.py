"""The manifest of a generation: what it is, how it was made, and what every one of its files must look like."""

import json
import zlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from Data.errors import IndexCorrupt

MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the folder's layout; a reader refuses a newer one and goes on reading every older one."""


class FileFacts(BaseModel):
    """Size and CRC-32 of a file. A file with blocks is checked by the table of that name instead of at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bytes: int = Field(ge=0)
    crc32: int = Field(ge=0, lt=2**32)
    blocks: str | None = None


class Manifest(BaseModel):
    """What a generation says of itself.

    Args:
        generation: Name of its folder: six digits, rising.
        count: Number of vectors; products: of distinct products.
        built_through_seq: All changes up to this one are in it; followers go on from here.
        completeness: The part of the pictures that could be embedded which has a vector, 0..1.
        previous: The generation that was current before it.
        parameters: What its kind of index needs to be opened, and how well it was measured to find.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int
    generation: str = Field(pattern=r"^\d{6}$")
    kind: str
    embedder_id: str
    dim: int = Field(ge=0)
    metric: Literal["cosine"] = "cosine"
    count: int = Field(ge=0)
    products: int = Field(ge=0)
    built_through_seq: int = Field(ge=0)
    completeness: float = Field(ge=0, le=1)
    previous: str | None
    created_at: str
    build_s: float
    parameters: dict[str, Any]
    files: dict[str, FileFacts]

    @property
    def recall(self) -> float | None:
        """recall@10 against exact search, measured at build time; None where there was nothing to measure it on."""
        return self.parameters.get("recall", {}).get("recall@10")

    def write(self, folder: Path) -> None:
        """Write the manifest, with a checksum of itself, into the folder."""
        content = self.model_dump(mode="json")
        text = json.dumps({"checksum": _checksum(content), **content}, indent=1)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation's folder.

    Raises:
        IndexCorrupt: it is missing, damaged, or of a newer version.
    """
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        checksum = content.pop("checksum")
        version = content["format"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, error) from error
    if isinstance(version, int) and version > FORMAT:
        raise IndexCorrupt(
            f"The generation {folder.name} has format {version} and this version reads up to {FORMAT}: "
            "update Similook, or run `similook index --rebuild`."
        )
    if _checksum(content) != checksum:
        raise _damaged(folder, "its checksum differs")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise _damaged(folder, f"{error.error_count()} fields are wrong") from error


def _checksum(content: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _damaged(folder: Path, reason: object) -> IndexCorrupt:
    return IndexCorrupt(
        f"The manifest of generation {folder.name} cannot be used ({reason}): "
        "run `similook index rollback`, or `similook index --rebuild`."
    )
