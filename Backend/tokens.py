"""The query_token: what a photo was seen as, signed, so that filtering and paging need neither the photo nor a session.

Layout before base64url: version (1 byte) | embedder_id | facts (JSON) | vector (float16, little endian) | HMAC-SHA256.
The two texts carry their length in two bytes before them. Nothing in a token is secret; the signature only stops
made-up ones. A token does not expire: it becomes stale when the service looks at pictures with other networks.
"""

import base64
import binascii
import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from Backend.errors import TokenInvalid, TokenStale

VERSION = 2
SIGNATURE_BYTES = hashlib.sha256().digest_size
MAX_TOKEN_CHARACTERS = 32_768


@dataclass(frozen=True)
class TokenFacts:
    """What stands in a token besides the vector.

    Args:
        category: predicted slug, or None when the classifier is not sure or missing.
        probability: of that category, 0..1.
        coverage: share of the picture that the garment covers, 0..1.
        found: whether that counts as a garment.
        probabilities: of every category by slug, 0..1; empty where nobody can say.
    """

    category: str | None
    probability: float
    coverage: float
    found: bool
    probabilities: Mapping[str, float] = field(default_factory=dict)


class QueryTokens:
    """Sign and read query tokens.

    Args:
        secret: shared by all workers.
        embedder_id: what this service's vectors are made by; a token of another one is stale.
    """

    def __init__(self, secret: str, embedder_id: str) -> None:
        self._key = hashlib.sha256(b"similook query_token\0" + secret.encode()).digest()
        self._embedder_id = embedder_id

    def sign(self, vector: npt.NDArray[np.float32], facts: TokenFacts) -> str:
        """Return the token of a unit vector. Shape of vector: (dim,)."""
        body = b"".join(
            [
                bytes([VERSION]),
                _text(self._embedder_id),
                _text(_written(facts)),
                vector.astype("<f2").tobytes(),
            ]
        )
        return base64.urlsafe_b64encode(body + self._signature(body)).rstrip(b"=").decode()

    def read(self, token: str) -> tuple[npt.NDArray[np.float32], TokenFacts]:
        """Return the vector (float32, unit length) and the facts of a token that this service signed.

        Raises:
            TokenInvalid: not one of ours, cut off or altered.
            TokenStale: ours, but of other networks.
        """
        body = self._verified(token)
        if body[0] != VERSION:
            raise TokenStale
        embedder_id, rest = _take_text(body[1:])
        if embedder_id != self._embedder_id:
            raise TokenStale
        facts, rest = _take_text(rest)
        vector = np.frombuffer(rest, dtype="<f2").astype(np.float32)
        return vector / np.linalg.norm(vector), TokenFacts(*json.loads(facts))

    def _verified(self, token: str) -> bytes:
        """Return the signed bytes of a token, once the signature is found right."""
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise TokenInvalid
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise TokenInvalid from error
        body, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
        if not body or not hmac.compare_digest(signature, self._signature(body)):
            raise TokenInvalid
        return body

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)


def _written(facts: TokenFacts) -> str:
    # 0 instead of 0.0: most of them are, and tokens travel in headers.
    shares = {slug: share or 0 for slug, share in facts.probabilities.items()}
    row = [facts.category, facts.probability, facts.coverage, facts.found, shares]
    return json.dumps(row, separators=(",", ":"))


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _take_text(data: bytes) -> tuple[str, bytes]:
    (length,) = struct.unpack(">H", data[:2])
    return data[2 : 2 + length].decode(), data[2 + length :]
