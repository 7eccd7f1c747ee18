"""How many bytes of pictures a worker holds at once: uploads that wait on disk, and fetched ones that wait in memory.

Pictures that are being fetched come on top until they are whole: as many requests as fetch at once, each of at most one
upload's size.

The queue bounds how many photos wait, but photos differ a hundredfold in size, and the folder of temporary files is
small in a container. They are counted as they arrive, so that nobody keeps others out by announcing much.
"""

from Backend.errors import QueueFull

RETRY_S = 2


class Room:
    """Bytes that may be held at the same time. Call from the event loop only: they are counted without a lock.

    Args:
        max_bytes: of all requests together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0

    def take(self, count: int) -> None:
        """Hold so many bytes more.

        Raises:
            QueueFull: there is no room for them.
        """
        if self._held + count > self._max_bytes:
            raise QueueFull(retry_after_s=RETRY_S)
        self._held += count

    def give_back(self, count: int) -> None:
        """Hold so many bytes less."""
        self._held -= count
