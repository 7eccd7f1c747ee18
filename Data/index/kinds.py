"""The kinds of index that there are: importing a kind lists it."""

from Data.index import anyfaiss, compact, exact
from Data.index.base import kind_named

__all__ = ["anyfaiss", "compact", "exact", "kind_named"]
