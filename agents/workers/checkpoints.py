"""The state of a partition as it lies in the changelog: values by state key, and manifests of checkpoints.

A changelog key says the partition, the writer's epoch, a slot and a state key of the stage. A value
begins with 16 bytes, its version: who wrote it (epoch), and after which record (offset). `_` is the
state key of the manifest, which names the version of every state key that its checkpoint is made of:

    key                value                             partition 3
    3/1700/0/block/7   1700,100 | engine block 7         written after record 100, not changed since
    3/1700/0/block/8   1700,100 | engine block 8         of the checkpoint before: needed until ...
    3/1700/1/block/8   1700,250 | engine block 8         ... this one is whole, hence two slots
    3/1700/1/_         1700,250 | block/7 -> 1700,100,0  the manifest of record 250, written last:
                                  block/8 -> 1700,250,1  with it the checkpoint counts
                                  _       -> 1700,250,1
                                  terms 1600 from 0, 1700 from 91
    3/1600/0/block/9   1600,90  | ...                    ended at 250; a tombstone pending until the next
    3/1500/0/page/2    1500,40  | ...                    an orphan of a torn checkpoint: deleted by this one

A checkpoint writes many records, and a crash may come between any two of them; a worker that was
frozen may even write an old checkpoint after its successors have written newer ones. Therefore:

* **No two workers write the same key**: it has the epoch of its writer's term in it. So a stale
  write takes nothing away from a successor, neither when it is read back nor when Kafka compacts.
* **A term has two slots for a state key** and writes to the one that its last whole checkpoint does
  not need. A checkpoint counts only once its manifest is there.
* **The manifest of the latest term counts**, of one term's the newest. An epoch is the time at which
  a worker was given the partition, and later than all that it finds in the changelog.
* **Keys are deleted late**: what a checkpoint no longer needs of earlier terms is deleted by the next
  one (tombstones pending), when nobody can start from an older one. The second checkpoint of a term
  also deletes the orphans: keys found at its start that no whole checkpoint names.

This is exact (tests/workers/test_checkpoints.py) while a worker writes **at most one checkpoint, or the
rest of one, after a successor has read the changelog**. Of a second one it is not: it may write a
slot or delete a key that the successor still names, namely of a state key that the first no longer
needs and that the successor has not yet written itself. Then `newest_whole` raises StateError until
it has. So a worker must not begin a checkpoint where it may have been replaced during the one before
(`agents/workers/watchdog.py:Watchdog.check_frozen`).

Clocks may differ between machines as long as a worker that has not yet written anything has a lower
epoch than its successor. Where it has a higher one, its stale checkpoint would count as the newest;
`newest_whole` passes over it for what the group has committed since. Where both have the same, as
long as clocks are behind an epoch in the changelog, the two are taken for one.

Kafka's transactions, which would do most of this, are not used: a consumer that reads committed
records sees the outputs of a transaction only when it ends, and a transaction would have to last from
one checkpoint to the next, a second or more. An alert must be readable in milliseconds. So outputs
are sent at once, each with its origin (`agents/workers/partition.py`), and what a crash repeats is
told apart by the terms in the manifest (`valid_terms`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from streams.errors import StateError

MANIFEST: Final = "_"
LAYOUT: Final = 1  # of the state; raise it with any change of what the stages keep
MOST_TERMS: Final = 200  # kept of who has had a partition; a replay's are a few dozen
OPEN_END: Final = 2**62  # of the newest term: an offset that no topic reaches
TERM_NS: Final = 10**9  # after the epochs found: whoever wrote them may begin terms of its own yet
VERSION_BYTES: Final = struct.Struct(">QQ")


class Version(NamedTuple):
    """Who wrote a value, and how far it had come."""

    epoch: int  # ns UTC of the assignment
    offset: int  # of the last record applied


class SlotVersion(NamedTuple):
    """The version of a state key, and which of its two slots holds it."""

    epoch: int
    offset: int
    slot: int


class Term(NamedTuple):
    """A worker's time with a partition: it went on after record `base`."""

    epoch: int
    base: int


class ValidOutputs(NamedTuple):
    """The records of a term whose outputs count: those from `first` to `last`."""

    epoch: int
    first: int
    last: int


class CheckpointManifest(msgspec.Struct, frozen=True, array_like=True):
    """A whole checkpoint: the versions it is made of, and who has had the partition."""

    versions: dict[str, SlotVersion]  # by state key, the manifest's own among them
    terms: list[Term]
    layout: int = LAYOUT


class Checkpoint(NamedTuple):
    """A whole checkpoint as it is read back: its manifest and the bodies of its state keys."""

    manifest: CheckpointManifest
    state: dict[str, bytes]


class CheckpointIndex:
    """Where the newest checkpoint of a partition lies, as the partition's owner keeps it."""

    def __init__(
        self,
        partition: int,
        epoch: int,
        manifest: CheckpointManifest | None = None,
        keys: Iterable[bytes] = (),
    ) -> None:
        """`manifest` is what `newest_whole` gave, `keys` are all those of the table it was found in.

        The epoch is put after every epoch of the keys.
        """
        self._partition = partition
        self._versions = dict(manifest.versions) if manifest else {}
        epochs = {key: parsed.epoch for key in keys if (parsed := _parsed(partition, key))}
        self.epoch = max([epoch, *(each + TERM_NS for each in epochs.values())])
        self.base = self._versions[MANIFEST].offset if manifest else -1
        before = manifest.terms if manifest else ()
        self.terms = [*before, Term(self.epoch, self.base)][-MOST_TERMS:]
        needed = {_key(partition, name, version) for name, version in self._versions.items()}
        oldest = self._versions[MANIFEST].epoch if manifest else 0
        self._orphans = [key for key in epochs if epochs[key] < oldest and key not in needed]
        self._tombstones: list[bytes] = []  # pending: not needed by the newest checkpoint

    def forget(self, keys: Iterable[bytes]) -> None:
        """Have the next checkpoint delete keys that its state has outlived."""
        self._orphans += keys

    def checkpoint(
        self, offset: int, dirty: Mapping[str, bytes | None]
    ) -> list[tuple[bytes, bytes | None]]:
        """Return the records (key, value) to write, in order, the manifest last; None deletes a key.

        The checkpoint before must be there wholly. In `dirty` None says that a state key ends.
        Another checkpoint after the same record begins a new term, for a version is an epoch and an
        offset: as if this worker had replaced itself.
        """
        before = self._versions.get(MANIFEST)
        if before and before[:2] == (self.epoch, offset):
            self._begin_term(offset)
        deleted, self._tombstones, self._orphans = self._tombstones, self._orphans, []
        records: list[tuple[bytes, bytes | None]] = [(key, None) for key in deleted]
        for name, body in dirty.items():
            if body is not None:
                records.append(self._record(name, offset, body))
            elif name in self._versions:
                self._bury(name)
        records.append(self._manifest(offset))
        return records

    def _begin_term(self, base: int) -> None:
        self.epoch, self.base = self.epoch + 1, base
        self.terms = [*self.terms, Term(self.epoch, base)][-MOST_TERMS:]

    def _manifest(self, offset: int) -> tuple[bytes, bytes]:
        key = self._moved(MANIFEST, offset)
        body = msgspec.msgpack.encode(CheckpointManifest(self._versions, self.terms))
        return key, VERSION_BYTES.pack(self.epoch, offset) + body

    def _record(self, name: str, offset: int, body: bytes) -> tuple[bytes, bytes]:
        return self._moved(name, offset), VERSION_BYTES.pack(self.epoch, offset) + body

    def _moved(self, name: str, offset: int) -> bytes:
        """Return the key for a new value: the slot that the last whole checkpoint does not need."""
        epoch, _, slot = self._versions.get(name, (self.epoch, 0, 1))
        if epoch != self.epoch:
            self._bury(name)
            slot = 1
        self._versions[name] = version = SlotVersion(self.epoch, offset, 1 - slot)
        return _key(self._partition, name, version)

    def _bury(self, name: str) -> None:
        """Forget a state key; its tombstone is written once the manifest without it is there."""
        self._tombstones.append(_key(self._partition, name, self._versions.pop(name)))


def newest_whole(
    partition: int, table: Mapping[bytes, bytes], committed: int = 0
) -> Checkpoint | None:
    """Return the newest whole checkpoint of a partition; None: there is none.

    `committed` is the group's offset: a checkpoint that lacks a record before it is passed over.
    StateError: there are manifests, but what they name is not there.
    """
    manifests = [value for key, value in table.items() if _is_manifest(partition, key)]
    for value in sorted(manifests, key=version_of, reverse=True):
        if version_of(value).offset + 1 < committed:
            continue
        manifest = _manifest_in(value)
        state = _state(partition, table, manifest)
        if state is not None:
            return Checkpoint(manifest, state)
    if manifests:
        raise StateError(
            f"partition {partition}: no whole checkpoint up to record {committed} in the changelog. "
            "Was it written by somebody else, or by a worker that was cut off for long? Start a new "
            "--prefix, or replay from the inputs"
        )
    return None


def newer(value: bytes, held: bytes | None) -> bool:
    """Tell whether a value that is read back replaces the one held for the same key."""
    return held is None or version_of(value) >= version_of(held)


def version_of(value: bytes) -> Version:
    """Return the version of a value; of one that is too short to have any, the lowest."""
    if len(value) < VERSION_BYTES.size:
        return Version(0, 0)
    return Version(*VERSION_BYTES.unpack_from(value))


def valid_terms(terms: Iterable[Term]) -> list[ValidOutputs]:
    """Return, for each term, the records whose outputs no later term has made again."""
    rising = list(terms)
    ends = [term.base for term in rising[1:]] + [OPEN_END]
    return [
        ValidOutputs(term.epoch, term.base + 1, end) for term, end in zip(rising, ends, strict=True)
    ]


class _ParsedKey(NamedTuple):
    """What a changelog key says."""

    epoch: int
    name: bytes  # the state key


def _key(partition: int, name: str, version: SlotVersion) -> bytes:
    return f"{partition}/{version.epoch}/{version.slot}/{name}".encode()


def _parsed(partition: int, key: bytes) -> _ParsedKey | None:
    """Return what a key says, None for one of another partition, or of somebody else."""
    parts = key.split(b"/", 3)
    if len(parts) < 4 or parts[0] != b"%d" % partition or not parts[1].isdigit():
        return None
    return _ParsedKey(int(parts[1]), parts[3])


def _is_manifest(partition: int, key: bytes) -> bool:
    parsed = _parsed(partition, key)
    return parsed is not None and parsed.name == MANIFEST.encode()


def _manifest_in(value: bytes) -> CheckpointManifest:
    try:
        manifest = msgspec.msgpack.decode(
            memoryview(value)[VERSION_BYTES.size :], type=CheckpointManifest
        )
    except msgspec.DecodeError as fault:
        raise StateError(f"the changelog holds a manifest that cannot be read: {fault}") from fault
    if manifest.layout != LAYOUT:
        raise StateError(
            f"the changelog is of layout {manifest.layout}, this program reads {LAYOUT}: "
            "start a new --prefix"
        )
    return manifest


def _state(
    partition: int, table: Mapping[bytes, bytes], manifest: CheckpointManifest
) -> dict[str, bytes] | None:
    """Return the bodies of the state keys that a manifest names, None unless all are there."""
    state = {}
    for name, version in manifest.versions.items():
        value = table.get(_key(partition, name, version))
        if value is None or version_of(value) != version[:2]:
            return None
        if name != MANIFEST:
            state[name] = value[VERSION_BYTES.size :]
    return state
