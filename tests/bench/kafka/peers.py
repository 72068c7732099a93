"""The peers: each reads the same ticks in a process of its own and says how fast."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents.dev.kafka import java_command
from agents.machine.folders import cache_home
from streams.errors import NewsquakeError
from tests.bench.kafka.broker import ended, python, reader
from tests.bench.kafka.ticks import Log

SOURCE = Path(__file__).parent / "kstreams" / "LastPrice.java"
RECIPE = SOURCE.with_name("pom.xml")
LIMIT_S = 180.0  # for a start, what is measured, and a slow machine
MAVEN_S = 900.0
GROUP = "quixstreams is not installed here: `make bench-kafka`, or `uv sync --group bench` before"
JDK = "no javac: Kafka Streams needs a Java Development Kit 17 or newer (default-jdk-headless)"


def lacking(figures: Sequence[str]) -> str | None:
    """Return what must be installed before these figures can be measured, or None."""
    if "quix_state" in figures and importlib.util.find_spec("quixstreams") is None:
        return GROUP
    if "kstreams_state" in figures and shutil.which("javac") is None:
        return JDK
    return None


def measure(figure: str, bootstrap: str, topic: str, log: Log, seconds: float) -> float:
    """Return ticks/s of a peer that reads a topic from its start, for so long or to its end."""
    with tempfile.TemporaryDirectory(prefix="newsquake-peer-") as folder:
        what = [bootstrap, topic, seconds, len(log.messages), folder]
        command = (
            kafka_streams(Path(folder), what)
            if figure == "kstreams_state"
            else python(f"tests.bench.kafka.{MODULES[figure]}", figure, *what)
        )
        records, took_s = said(command, figure, Path(folder))
    return log.rate(records, took_s)


MODULES = {
    "faust_table": "peer_faust",
    "faust_count_100": "peer_faust",
    "quix_state": "peer_quix",
    "aiokafka_decode_100": "peer_aiokafka",
}


def said(command: Sequence[str], figure: str, folder: Path) -> tuple[int, float]:
    """Run a peer; return how many records it took in how many seconds."""
    console = folder / "console.log"
    with console.open("wb") as log, reader(command, subprocess.PIPE, log) as child:
        try:
            text, _ = child.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired as fault:
            raise NewsquakeError(f"{figure} measured nothing in {LIMIT_S:.0f} s") from fault
        if child.returncode:
            raise ended(child, figure, console)
    answer = json.loads(text.splitlines()[-1])
    return int(answer["records"]), float(answer["seconds"])


# -- Kafka Streams


def kafka_streams(folder: Path, arguments: Sequence[object]) -> list[str]:
    """Return the command of the Java peer, compiled."""
    jars = f"{streams_jars()}/*"
    classes = folder / "classes"
    run(["javac", "-cp", jars, "-d", str(classes), str(SOURCE)])
    java = [str(java_command()), "-Xmx1g", "-cp", f"{classes}:{jars}", "LastPrice"]
    return [*java, *map(str, arguments)]


def streams_jars() -> Path:
    """Return the folder of its jars, fetched by Maven once."""
    folder = jars_folder()
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as part:
            maven = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "-f", str(RECIPE)]
            copy = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
            run([*maven, *copy, f"-DoutputDirectory={part}/jars"])
            (Path(part) / "jars").rename(folder)
    return folder


def jars_folder() -> Path:
    """Return where the jars are kept, named by the hash of their recipe."""
    return cache_home() / f"kstreams-{hashlib.sha256(RECIPE.read_bytes()).hexdigest()[:16]}"


def run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=MAVEN_S)
    except subprocess.CalledProcessError as fault:
        raise NewsquakeError(f"{command[0]} failed: {fault.stdout}{fault.stderr}") from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NewsquakeError(f"{command[0]}: {fault}") from fault
