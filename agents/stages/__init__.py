"""The two pure stages set up from a configuration, and who is told how long they took."""
