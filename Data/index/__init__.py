"""Vector search over a catalogue that changes: an immutable base on disk, and a small exact delta in memory.

base.py       the protocol that every kind of index follows, and the registry; allowed.py: the rows that may be found
rows.py       the fp16 vectors, mapped from disk: exact search, and re-ranking
exact.py, compact.py, anyfaiss.py    the three kinds, listed in kinds.py; training.py, refining.py: what two share
tuning.py, measuring.py    chooses the compact index's parameters on the catalogue's own vectors, and measures recall
words.py, columns.py, pack.py    what a filter looks at, as compact codes, and the file that holds them
manifest.py, checksums.py, generations.py    generations on disk: checksums, the atomic switch, rollback
segments.py, snapshot.py, following.py, live.py    changes within a second, and the search over all of it
builder.py, building.py, gate.py    a new generation from the database: one at a time, and no worse than the last
native.py     the one import of Faiss
"""
