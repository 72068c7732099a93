"""The two pure stages set up from a configuration; who is told what they made, and the log of why."""
