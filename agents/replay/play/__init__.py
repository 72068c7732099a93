"""A folder of headlines and ticks, played in event time, in one process."""
