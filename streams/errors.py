"""The error tree. Every error carries what failed: a file, a line, a key or a record.

* NewsquakeError
    * UsageError           -- wrong command line, configuration or replay.toml; exit code 2
        * ConfigError      -- a key of a configuration file, with file and line
    * InputError           -- a file that cannot be read as what it claims to be; exit code 1
        * ColumnError      -- a named column is missing
    * RecordError          -- one bad record; counted and sent to rejects, the stream goes on
        * CodecError       -- bytes that are not a record, with the position of the fault
    * FetchError           -- a document that a server did not give, with the reason
    * StateError           -- a worker's state cannot be read back, or its log has a gap
    * EngineFaultError     -- a stage failed at a record that it took; the record is set aside
    * JournalError         -- the local log cannot be used (damage before its tail, another writer)
    * PublishError         -- a record that Kafka does not take, with its topic
"""

from __future__ import annotations


class NewsquakeError(Exception):
    """Any failure Newsquake reports in its own words."""


class UsageError(NewsquakeError):
    """The command line or a configuration asks for something that does not exist."""


class ConfigError(UsageError):
    """Name the key of a configuration file that is wrong, its line and what would be valid."""

    def __init__(self, path: str, message: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line else path
        super().__init__(f"{where}: {message}")
        self.path, self.line = path, line


class InputError(NewsquakeError):
    """A file that cannot be read."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ColumnError(InputError):
    """A column that the description names and the file lacks."""

    def __init__(self, path: str, column: str, present: list[str]) -> None:
        super().__init__(path, f"no column {column!r}; the file has {', '.join(present)}")
        self.column = column


class RecordError(NewsquakeError):
    """One record that cannot be used; `reason` is a short word from a closed list."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class CodecError(RecordError):
    """Bytes that do not decode; `position` is the offset of the fault, where known."""

    def __init__(self, detail: str, position: int | None = None) -> None:
        where = f" at byte {position}" if position is not None else ""
        super().__init__("undecodable", detail + where)
        self.position = position


class FetchError(NewsquakeError):
    """A document that could not be fetched; `reason` is a short word from a closed list."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class StateError(NewsquakeError):
    """The state of a partition and its log do not fit together; going on would be wrong."""


class EngineFaultError(NewsquakeError):
    """A stage failed at record `number` of its log, or at one from `first` on; `what` was raised."""

    def __init__(self, number: int, what: str, first: int | None = None) -> None:
        super().__init__(f"record {number}: {what}")
        self.number, self.what = number, what
        self.first = number if first is None else first


class JournalError(NewsquakeError):
    """The journal at `path` cannot be opened or read."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class PublishError(NewsquakeError):
    """A broker does not take what it was sent; `topic` and `record` name the first such record."""

    def __init__(self, message: str, topic: str = "", record: str = "") -> None:
        where = f"{topic}: {record}: " if topic else ""
        super().__init__(where + message)
        self.topic, self.record = topic, record
