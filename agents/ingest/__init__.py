"""Sources to one log: feeds, wires, inboxes and lines, routed and published with Clocks."""
