"""Faiss as Python sees it: its type stubs describe the C++ signatures, which its own Python layer then replaces.

The one module of this room that touches the environment: OpenMP reads its switch when Faiss is imported. Its threads
would otherwise spin where they wait for each other, and on cores that a service keeps busy a build then takes ten to
thirty times as long. Who sets OMP_WAIT_POLICY themselves keeps their choice.
"""

import os
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss as _faiss

faiss: Any = _faiss
