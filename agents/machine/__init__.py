"""This computer: clock, folders, child processes, terminal. It knows no event."""
