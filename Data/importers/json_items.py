"""The objects of one list in a JSON file, one after another: a shop's export may be larger than memory."""

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import IO, Any

from Data.errors import ImportFailed, SourceCutOff

CHUNK = 1 << 16
MAX_OBJECT = 1 << 25
"""Characters of one object past which the file is taken to be no list of products."""

_BLANKS = " \t\r\n"


def read_items(file: IO[bytes], key: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of the list at `key` of the file's one object, or of the file's one list.

    Args:
        file: UTF-8, with or without a byte order mark.
        key: of the list.
        name: of the file, for messages.
    Raises:
        SourceCutOff: the file ends in the middle.
        ImportFailed: not UTF-8, not JSON, or no such list.
    """
    text = _Text(file, name)
    if text.peek() == "{":
        text.find(f'"{key}"')
        text.expect(":")
    text.expect("[")
    while (sign := text.peek()) != "]":
        if sign == ",":
            text.expect(",")
            continue
        found = text.value()
        if not isinstance(found, dict):
            raise ImportFailed(f"{name} has something else than objects in its list {key!r}: it is not an export.")
        yield found


class _Text:
    """A file's text, of which only what has not been used up is held."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._held = ""

    def peek(self) -> str:
        """Return the next character that is not blank."""
        while not (held := self._held.lstrip(_BLANKS)):
            self._more()
        self._held = held
        return held[0]

    def expect(self, sign: str) -> None:
        """Pass over a character that must come next."""
        if self.peek() != sign:
            raise ImportFailed(f"{self._name} is not the JSON that was expected ({sign!r} is missing): check it.")
        self._held = self._held[1:]

    def find(self, word: str) -> None:
        """Pass over everything up to and with a word."""
        while (place := self._held.find(word)) < 0:
            if len(self._held) > MAX_OBJECT:
                break
            try:
                self._more()
            except SourceCutOff:
                break
        if place < 0:
            raise ImportFailed(f"{self._name} has no list {word}: it is not of this layout.")
        self._held = self._held[place + len(word) :]

    def value(self) -> Any:
        """Return the next value."""
        size = CHUNK
        while True:
            try:
                found, end = self._json.raw_decode(self._held)
            except json.JSONDecodeError as error:
                # A fault far from the end of what is held stays one, however much more comes.
                if error.pos < len(self._held) - size and len(self._held) > MAX_OBJECT:
                    raise self._invalid(error) from error
                try:
                    self._more(size)
                except SourceCutOff:
                    if error.pos < len(self._held.rstrip(_BLANKS)) - 1 and "Unterminated" not in error.msg:
                        raise self._invalid(error) from error
                    raise
                size *= 2  # so that a large object costs no more than twice its size
            except ValueError:  # Python's limit, which keeps a number from taking minutes
                raise ImportFailed(f"{self._name} has a number of thousands of digits: export it again.") from None
            except RecursionError:
                raise ImportFailed(f"{self._name} is nested too deeply to be an export of products.") from None
            else:
                self._held = self._held[end:]
                return found

    def _more(self, size: int = CHUNK) -> None:
        data = self._file.read(size)
        try:
            self._held += self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise ImportFailed(f"{self._name} is not UTF-8: save it as UTF-8.") from error
        if not data:
            raise SourceCutOff(f"{self._name} ends in the middle.")

    def _invalid(self, error: json.JSONDecodeError) -> ImportFailed:
        return ImportFailed(f"{self._name} is not valid JSON ({error.msg}): export it again.")
