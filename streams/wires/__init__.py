"""What every push connection shares, whatever it brings: contract, connection, listener, gap, cursor."""
