"""What is known beforehand: issuers and listings, calendars, publishers, price steps."""
