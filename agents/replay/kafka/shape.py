"""How a replay through Kafka is spread."""

from __future__ import annotations
