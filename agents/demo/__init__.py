"""The Alibaba day, 24 September 2025, as a replay folder: invented prices, invented headlines."""

from __future__ import annotations

from agents.demo.folder import FOLDER, own_day, write_alibaba_day

__all__ = ["FOLDER", "own_day", "write_alibaba_day"]
