"""`newsquake ingest`: sources to topics, wired together."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from agents.broker.connection import Connection
from agents.broker.topics import partitions
from agents.config.newsquake import load_config
from agents.config.universe import broadcasts_of, universe_of
from agents.ingest.loop import FLUSH_LIMIT_S, Ingest
from agents.ingest.record_log import TopicLog
from agents.ingest.sources import news_collector, sources_of
from agents.machine.folders import home_of
from agents.machine.terminal import say
from agents.metrics.endpoint import exposure
from agents.metrics.run import PublisherCollector, RunMeter
from streams.prices.live import LiveFramer
from streams.prices.numbering import Numbering
from streams.publisher import Publisher
from streams.topics import HEADLINES, MARKET, REJECTS

_tell = partial(say, "ingest")


def run_ingest(
    broker: Connection, config: Path | None, spool: Path | None, metrics_port: int | None = None
) -> int:
    """Publish what the sources say until all have ended or a signal comes; 0: all is acknowledged."""
    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # it repeats itself; `_look` tells instead
    settings = load_config(config)
    universe = universe_of(settings, config)
    width = partitions(broker, MARKET, HEADLINES, REJECTS)
    folder = spool or home_of(broker.slug)
    publisher = Publisher(broker.client_options(), spool=folder)
    try:
        log = TopicLog(publisher.send, broker.prefix, width, publisher.begin_sync)
        framer = LiveFramer(
            log,
            {listing.listing: listing.issuer for listing in universe.listings.values()},
            Numbering(folder / "numbers.json", width),
            broadcasts_of(universe, settings.universe.benchmark),
        )
        sources = sources_of(settings, config, folder, _tell)
        heard = " and ".join(source.name for source in sources)
        _tell(f"{heard} -> {broker.prefix}newsquake.* at {broker.address}, spool {folder}")
        if publisher.backlog:
            _tell(f"{publisher.backlog:,} records of an earlier run are in the spool and go first")
        meter = RunMeter(exposure(settings.metrics, metrics_port))
        ingest = Ingest(sources, log, framer, meter.observer, publisher)
        with meter.serving(_tell, news_collector(sources), PublisherCollector(publisher)):
            ingest.run()
        publisher.flush(FLUSH_LIMIT_S)
        _tell(f"{ingest.router.summary()}; everything is acknowledged")
    finally:
        publisher.close()
    return 0
