"""Where model folders lie, and how a new one takes the place of an old one while a service reads it."""

from __future__ import annotations

import os
from pathlib import Path

from Model.card import CARD_FILE, Card, sha256_hex
from Model.errors import CardInvalid, ChecksumMismatch, ModelNotFound

SHIPPED = Path(__file__).parent / "weights"


def find_model(name: str, models_dir: Path | None = None) -> Path:
    """Return the folder of a model: the shop's own before the shipped one.

    Args:
        name: of the folder, as in "resnet34"; no path separators.
        models_dir: where a shop keeps its own weights; None for the shipped ones alone.
    Raises:
        ModelNotFound: neither place has it; the message lists what there is.
    """
    if name and Path(name).name == name and name not in {".", ".."}:
        for root in _roots(models_dir):
            folder = root / name
            if (folder / CARD_FILE).is_file():
                return folder
    known = ", ".join(sorted(list_models(models_dir))) or "none"
    raise ModelNotFound(f"There is no model named {name!r} (there are: {known}): choose one, or train or fetch it.")


def list_models(models_dir: Path | None = None) -> dict[str, Path]:
    """Return every model's name and folder; a shop's own hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in reversed(_roots(models_dir)):
        if root.is_dir():
            found.update({card.parent.name: card.parent for card in sorted(root.glob(f"*/{CARD_FILE}"))})
    return found


def publish(card: Card, model: bytes, folder: Path) -> Card:
    """Put a model into a folder so that a reader sees the old one or the new one, never a mixture.

    The ONNX file is written under a name that carries its checksum; the card, which names it, then replaces the old
    card in one step. Older ONNX files are removed afterwards, but not the one just replaced: it may be being opened.

    Args:
        card: with the model's sha256; its `file` is replaced.
        model: the ONNX file's bytes.
        folder: made where missing.
    Returns:
        Card: as written.
    Raises:
        ChecksumMismatch: the bytes are not what the card describes.
        OSError: the disk is full or read-only; the old model is untouched.
    """
    if sha256_hex(model) != card.sha256:
        raise ChecksumMismatch("The model's bytes are not what its card describes: compute the card's sha256 again.")
    folder.mkdir(parents=True, exist_ok=True)
    card_path = folder / CARD_FILE
    try:
        before = Card.load(folder).file
    except (ModelNotFound, CardInvalid):
        before = None  # a broken card is what publishing mends
    written = card.model_copy(update={"file": f"model-{card.sha256[:12]}.onnx"})
    _write_then_rename(folder / written.file, model)
    _write_then_rename(card_path, (written.to_json() + "\n").encode())
    for old in folder.glob("model*.onnx"):
        if old.name not in {written.file, before}:
            old.unlink(missing_ok=True)
    return written


def _write_then_rename(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _roots(models_dir: Path | None) -> list[Path]:
    return [SHIPPED] if models_dir is None else [models_dir, SHIPPED]
