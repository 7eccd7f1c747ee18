"""Faiss as Python sees it: its type stubs describe the C++ signatures, which its own Python layer then replaces."""

from typing import Any

import faiss as _faiss

faiss: Any = _faiss
