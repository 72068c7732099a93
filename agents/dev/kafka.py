"""A real Apache Kafka on this machine without a container: fetched by Maven, one node, loopback."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

import msgspec
from kafka import KafkaAdminClient
from kafka.admin import UserScramCredentialUpsertion
from kafka.errors import KafkaError

from agents.dev.recipe import Accounts, Note, Prepared
from agents.machine.clock import elapsed_s
from agents.machine.folders import cache_home
from agents.machine.processes import free_ports
from streams.errors import NewsquakeError

RECIPE: Final = Path(__file__).resolve().parents[2] / "deploy" / "local"
OLDEST_JAVA: Final = 17  # what Kafka 4 needs
# 250-300 MB resident and a start in 4-5 s on two cores; the serial collector takes the least.
JVM: Final = ("-Xmx768m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError")
MECHANISM: Final = "SCRAM-SHA-512"
USER: Final = "newsquake"
FETCH_LIMIT_S: Final = 900.0
READY_LIMIT_S: Final = 60.0
_STEP_LIMIT_S: Final = 60.0  # of openssl, of formatting
_ANSWER_MS: Final = 5000
_SAID_LINES: Final = 3  # of a tool that failed: the rest is its advice on itself
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_POLL_S: Final = 0.05


class SaslSsl(msgspec.Struct, frozen=True):
    """The secured listener: what a client needs to log in."""

    bootstrap: str
    mechanism: str
    username: str
    password_file: str
    ca_file: str


class Account(msgspec.Struct, frozen=True):
    """How to reach the broker."""

    bootstrap: str
    sasl_ssl: SaslSsl


def lacking() -> str | None:
    """Return what must be installed before Kafka can run here, or None."""
    wanted = [] if java_command() else [f"Java {OLDEST_JAVA} or newer (default-jre-headless)"]
    if not _jars_folder().is_dir() and shutil.which("mvn") is None:
        wanted.append("Maven (maven)")
    if shutil.which("openssl") is None:
        wanted.append("openssl (openssl)")
    if not wanted:
        return None
    packages = " ".join(re.findall(r"\((.*?)\)", " ".join(wanted)))
    return (
        f"Kafka needs {', '.join(wanted)}. On Debian or Ubuntu: "
        f"apt-get install --no-install-recommends {packages}"
    )


def java_command() -> str | None:
    """Return a Java that is new enough: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return None
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return java if found and int(found[1]) >= OLDEST_JAVA else None


def prepare(folder: Path, note: Note, _up: Accounts) -> Prepared:
    """Make all that a broker needs in an empty folder, the jars too where they are not here yet."""
    jars = _jars(note)
    note("kafka: certificates, settings, an empty log")
    _make_certificates(folder)
    _write_private(folder / "password", secrets.token_urlsafe(24).encode())
    account = _write_settings(folder)
    java = [str(java_command()), *JVM, f"-Djava.io.tmpdir={folder}", f"-Dnewsquake.folder={folder}"]
    java += [f"-Dlog4j2.configurationFile={RECIPE / 'log4j2.xml'}", "-cp", f"{jars}/*"]
    settings = str(folder / "kafka.properties")
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    formatting = ["kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}"]
    _run([*java, *formatting, "--config", settings], "kafka storage format")
    return Prepared((*java, "kafka.Kafka", settings), msgspec.to_builtins(account))


def await_ready(account: dict[str, Any], alive: Callable[[], bool]) -> None:
    """Wait for the answer to a real metadata request, then make the SCRAM user.

    NewsquakeError: the broker ended, or is not ready after 60 s.
    """
    kafka = msgspec.convert(account, Account)
    deadline_s = elapsed_s() + READY_LIMIT_S
    fault = "it opened no port"
    while elapsed_s() < deadline_s:
        if not alive():
            raise NewsquakeError("kafka ended before it was ready")
        if not _port_is_open(kafka.bootstrap):
            time.sleep(_POLL_S)
            continue
        try:
            return _make_user(kafka, deadline_s)
        except KafkaError as error:
            fault = str(error)
    raise NewsquakeError(f"kafka is not ready after {READY_LIMIT_S:.0f} s: {fault}")


def log_end(folder: Path, lines: int = 15) -> str:
    """Return the last lines of what the broker wrote."""
    return "\n".join(_written(folder).splitlines()[-lines:])


def port_was_taken(folder: Path) -> bool:
    """Say whether another process took a port between our choosing it and the broker's start.

    The broker lists its settings, hundreds of lines, before that as well as after.
    """
    return "Address already in use" in _written(folder)


def _written(folder: Path) -> str:
    paths = [(folder / name) for name in ("console.log", "kafka.log")]
    return "\n".join(path.read_text("utf-8", "replace") for path in paths if path.is_file())


# -- the jars


def _jars(note: Note) -> Path:
    """Return the folder of jars, fetching them once; a reader never sees half of them."""
    folder = _jars_folder()
    if folder.is_dir():
        return folder
    note(f"kafka: fetching it with Maven into {folder} (45 MB, once)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    began_s = elapsed_s()
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as part:
        _fetch(Path(part) / "jars")
        try:
            (Path(part) / "jars").rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker, with the same content
                raise
    note(f"kafka: fetched in {elapsed_s() - began_s:.1f} s")
    return folder


def _jars_folder() -> Path:
    recipe = RECIPE / "pom.xml"
    if not recipe.is_file():
        raise NewsquakeError(f"{recipe} is missing: local servers start from a source checkout")
    return cache_home() / f"kafka-{hashlib.sha256(recipe.read_bytes()).hexdigest()[:16]}"


def _fetch(target: Path) -> None:
    maven = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "-f", str(RECIPE / "pom.xml")]
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        _run([*maven, *copy], "mvn", FETCH_LIMIT_S)
    except NewsquakeError as fault:
        raise NewsquakeError(
            f"Maven cannot fetch Kafka, which needs Maven Central once (a mirror or proxy is named "
            f"in ~/.m2/settings.xml): {fault}"
        ) from fault


def _run(command: Sequence[str], what: str, limit_s: float = _STEP_LIMIT_S) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, capture_output=True, text=True, check=False, timeout=limit_s
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NewsquakeError(f"{what}: {fault}") from fault
    if done.returncode:
        plain = _COLOUR.sub("", done.stdout + done.stderr)
        said = "\n".join([line for line in plain.splitlines() if line.strip()][:_SAID_LINES])
        raise NewsquakeError(f"{what} failed with exit code {done.returncode}: {said}")


# -- one node's folder


def _make_certificates(folder: Path) -> None:
    """Make a CA and the broker's certificate by it, PEM, P-256; the CA's key is then forgotten."""
    recipe = str(RECIPE / "certificates.cnf")
    ca, ca_key, request = (str(folder / name) for name in ("ca.pem", "ca.key", "broker.csr"))
    key, leaf = folder / "broker.key", folder / "broker.crt"
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", recipe]
    subject = ["-subj", "/CN=Newsquake local authority"]
    openssl = ["openssl", "req", *new_key]
    life = ["-days", "365"]
    _run([*openssl, *subject, "-x509", "-extensions", "authority", *life, "-keyout", ca_key,
          "-out", ca], "openssl")  # fmt: skip
    _run([*openssl, "-keyout", str(key), "-out", request], "openssl")
    _run(["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-set_serial",
          str(secrets.randbits(64)), *life, "-extfile", recipe, "-extensions", "broker", "-out",
          str(leaf)], "openssl")  # fmt: skip
    _write_private(folder / "broker.pem", key.read_bytes() + leaf.read_bytes())
    for path in (Path(ca_key), Path(request), key, leaf):
        path.unlink()


def _write_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


def _write_settings(folder: Path) -> Account:
    plain, secure, controller = free_ports(3)
    text = Template((RECIPE / "kafka.properties").read_text("utf-8")).substitute(
        plain_port=plain, secure_port=secure, controller_port=controller, folder=folder
    )
    (folder / "kafka.properties").write_text(text)
    files = str(folder / "password"), str(folder / "ca.pem")
    return Account(f"127.0.0.1:{plain}", SaslSsl(f"127.0.0.1:{secure}", MECHANISM, USER, *files))


# -- readiness


def _port_is_open(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


def _make_user(account: Account, deadline_s: float) -> None:
    """Make the SCRAM user and wait until the broker itself knows it; KafkaError: not ready yet."""
    login = account.sasl_ssl
    password = Path(login.password_file).read_bytes()
    user = UserScramCredentialUpsertion(login.username, login.mechanism, password)
    admin = KafkaAdminClient(bootstrap_servers=account.bootstrap, bootstrap_timeout_ms=_ANSWER_MS)
    try:
        refusal = admin.alter_user_scram_credentials([user])[login.username]
        if refusal:
            raise NewsquakeError(f"kafka refused the user {login.username}: {refusal}")
        while admin.describe_user_scram_credentials([login.username])[login.username]["error"]:
            if elapsed_s() > deadline_s:
                raise NewsquakeError(f"kafka does not know the user {login.username}")
            time.sleep(_POLL_S)
    finally:
        admin.close()
