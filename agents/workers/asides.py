"""What is set aside of a worker's partitions: in its changelog, so that whoever has them next knows it.

A record that cannot be applied is read again by every owner of its partition. So the worker that
failed at it writes a note into the changelog before it ends, beside the checkpoints
(agents/workers/checkpoints.py) and outside their manifests; the next owner has read it before the
record comes. Where several records were applied together, the note names them all, the next owner
applies each alone, and the note after that names the one.

    3/aside/240-244    1700,244 | records 240 to 244: one of them, not known which
    3/aside/242-242    1800,242 | record 242, with its Reject
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from agents.workers.checkpoints import VERSION_BYTES
from streams.errors import EngineFaultError, RecordError
from streams.events import Headline, Reject
from streams.messages import from_message
from streams.set_aside import SetAside, fault_reject

ASIDE: Final = b"aside"


class PartitionAsides:
    """What is set aside of one partition."""

    def __init__(self, partition: int, table: Mapping[bytes, bytes]) -> None:
        """`table` is the changelog as it is read back."""
        start = b"%d/%s/" % (partition, ASIDE)
        self._found = {
            key: msgspec.msgpack.decode(memoryview(value)[VERSION_BYTES.size :], type=SetAside)
            for key, value in table.items()
            if key.startswith(start)
        }

    def reject(self, offset: int) -> Reject | None:
        """Return the Reject of a record that is not to be applied; None: it may be."""
        if not self._found:
            return None
        found = (x.reject for x in self._found.values() if x.first == offset and x.reject)
        return next(found, None)

    def alone(self, offset: int) -> bool:
        """Tell whether what comes behind a record is not to be applied together with it."""
        return bool(self._found) and any(
            x.first - 1 <= offset <= x.last for x in self._found.values()
        )

    def outlived(self, base: int) -> Iterable[bytes]:
        """Return the keys of those that a checkpoint after record `base` has behind it."""
        return [key for key, aside in self._found.items() if aside.last <= base]


def aside_of(fault: EngineFaultError, topic: str, partition: int, message: Any) -> SetAside:  # noqa: ANN401 - Faust's
    """Return what is to be set aside for a fault; `message` is the last of its records."""
    if fault.first != fault.number:
        return SetAside(first=fault.first, last=fault.number)
    record = _record_in(message)
    where = f"{topic}/{partition} offset {fault.number}"
    reject = fault_reject(
        "score" if isinstance(record, Headline) else "react", where, fault.what, record
    )
    return SetAside(first=fault.number, last=fault.number, reject=reject)


def changelog_record(partition: int, epoch: int, aside: SetAside) -> tuple[bytes, bytes]:
    """Return key and value of a note, by the owner whose term is `epoch`."""
    key = b"%d/%s/%d-%d" % (partition, ASIDE, aside.first, aside.last)
    return key, VERSION_BYTES.pack(epoch, aside.last) + msgspec.msgpack.encode(aside)


def _record_in(message: Any) -> Any:  # noqa: ANN401 - Faust's message, any record
    """Return the record of a message; its text where it cannot be read, or is somebody else's."""
    text = (message.value or b"").decode("utf-8", "replace")
    try:
        found = from_message(message.value, message.headers, dict[str, Any])
    except RecordError:
        return text
    return text if isinstance(found, dict) else found
