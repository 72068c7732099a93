"""The one room that speaks to a Kafka broker: connection, topics, bounded reading."""
