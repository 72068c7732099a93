"""The doors of each room: the names that other rooms of `agents` import, and no others (HOUSE 3).

A door is a promise: a reader who changes anything else in a room need not look outside it. A new door
is written down here, with thought; one that nobody uses any more goes.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

DOORS: dict[str, frozenset[str]] = {
    "machine": frozenset(
        """
        alive cache_home command_of elapsed_s end free_ports hold_leash home_of
        Job LONGEST_GAP_NS LONGEST_NAP_S missing now_ns OwnFiles plain_console print_json
        print_wide Process ProgressBar ROOT say shipped spawn state_home
        Supervisor wide_table
        """.split()
    ),
    "config": frozenset(
        """
        AlertmanagerSpec broadcasts_of config_id DailySpec Directory FeedSpec
        FolderSpec host_of InboxFile KafkaFile LinksFile live_daily
        live_universe load_config load_replay load_toml MetricsFile
        NewsquakeFile paths_of read_daily REPLAY_FILE ReplayFile secret_of
        token_of universe_of url_fault WebFile WebhookSpec WireSpec
        """.split()
    ),
    "stages": frozenset(
        """
        AlertKey ApplyingMark Death engine_config EngineView HangWatch HUNG_EXIT
        live_engine log_mention log_moves log_scored make_scorer NOBODY Observer
        PublishedEngine REFUSED save_engine
        """.split()
    ),
    "broker": frozenset(
        """
        Admin admin_client ANSWER_MS broker_addresses broker_errors BrokerError
        check_topics Connection connection_of create_topics creation Finding
        held_of lag_of partitions RawRecord records_of run_topics_check
        run_topics_create TopicReader TopicWriter unread_of widths
        """.split()
    ),
    "evaluation": frozenset("run_eval run_eval_causes".split()),
    "dev": frozenset(
        """
        await_ready CONSOLE free_address lacking log_end port_was_taken
        run_dev_down run_dev_up
        """.split()
    ),
    "metrics": frozenset(
        """
        Acknowledged counter_family DECLARED DELIVER_PORT Exposure exposure
        gauge_family label MarketMeter MOST_ISSUERS OTHER PREFIX process_metrics
        ProcessMetrics PublisherCollector REACT_PORT REJECTS replay_exposure
        RunMeter SCORE_PORT serving StageMeter worker_exposure
        """.split()
    ),
    "archive": frozenset("bound run_export run_import RUN_TOPICS Selection".split()),
    "delivery": frozenset(
        """
        alert_json DeadLetter Dispatcher dispatcher_of OUTBOX Outbox outbox_of_run
        outboxes_of PartitionOutbox PendingDelivery Sink sinks_of
        """.split()
    ),
    "ingest": frozenset(
        """
        BUCKETS_S FeedRecord Ingest news_collector NewsPlan records_in
        run_ingest seen_items_of sources_of Spread TopicLog
        """.split()
    ),
    "web": frozenset("run_web StoreSink web_of".split()),
    "workers": frozenset(
        """
        newer newest_whole ORIGIN run_worker valid_terms WorkerOptions
        """.split()
    ),
    "feeds": frozenset(
        """
        existing run_add run_check run_list run_status run_test tried
        """.split()
    ),
    "live": frozenset("run_embedded run_live".split()),
    "doctor": frozenset("run_doctor".split()),
    "replay": frozenset("refuse_overwriting ReplayRun run_replay".split()),
    "demo": frozenset("run_demo".split()),
    "scoring": frozenset(
        """
        direction_of Linker NEUTRAL_BAND prepare Scorer sentiment_of SENTIMENTS
        StoryCells StoryIndex WINDOW_NS
        """.split()
    ),
    "reacting": frozenset(
        """
        Cells DailyRow DAY_LEVELS_PCT Engine EngineConfig EngineHead HIGH
        HORIZONS LAST LAST_TS listing_views NAMED_SHARE ListingState ListingView LOW
        MINUTE_S open_alerts Points points_of RowRun Rule SECOND silent_rules
        why_not_updated WINDOWS_S
        """.split()
    ),
}


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (room, name) of each import from a room of `agents`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "agents":
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agents."):
            room = str(node.module).split(".")[1]
            yield from ((room, each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            parts = [each.name.split(".") for each in node.names]
            yield from ((p[1], p[-1]) for p in parts if p[0] == "agents" and len(p) > 1)


def doors_used() -> dict[str, set[str]]:
    """Return the names that each room is asked for from outside."""
    used: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "agents").rglob("*.py"):
        own = path.relative_to(ROOT / "agents").parts[0]
        for room, name in imports(ast.parse(path.read_text("utf-8"))):
            if room != own:
                used[room].add(name)
    return used


def test_rooms_are_entered_by_their_doors() -> None:
    used = doors_used()
    through_the_wall = {room: names - DOORS.get(room, frozenset()) for room, names in used.items()}
    assert {room: sorted(names) for room, names in through_the_wall.items() if names} == {}


def test_every_door_is_used() -> None:
    used = doors_used()
    idle = {room: sorted(names - used.get(room, set())) for room, names in DOORS.items()}
    assert {room: names for room, names in idle.items() if names} == {}


def test_no_door_is_private_or_a_whole_module() -> None:
    """Whoever has a module has every name in it."""
    modules = {
        (path.relative_to(ROOT / "agents").parts[0], path.stem)
        for path in (ROOT / "agents").rglob("*.py")
    }
    doors = [(room, name) for room, names in DOORS.items() for name in names]
    assert [door for door in doors if door in modules or door[1].startswith("_")] == []


def test_an_import_of_another_room_is_seen() -> None:
    code = "from agents.web.store import Store\nimport agents.dev.kafka\n"
    assert set(imports(ast.parse(code))) == {("web", "Store"), ("dev", "kafka")}
