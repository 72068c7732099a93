"""Alerts to their targets: outbox, dispatcher, message texts, sinks."""
