"""Against real servers: a Kafka broker started by the code that `newsquake dev` runs."""
