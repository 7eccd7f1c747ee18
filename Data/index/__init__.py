"""Vector search over a catalogue that changes: an immutable base on disk, and a small exact delta in memory.

base.py       the protocol that every kind of index follows, and the registry
rows.py       the fp16 vectors, mapped from disk: exact search, and re-ranking
exact.py, compact.py, anyfaiss.py    the three kinds
tuning.py     chooses the compact index's parameters on the catalogue's own vectors
words.py, columns.py    what a filter looks at, as compact codes
manifest.py, generations.py          generations on disk: checksums, the atomic switch, rollback
segments.py, snapshot.py, following.py, live.py    changes within a second, and the search over all of it
builder.py, gate.py    a new generation from the database
"""
