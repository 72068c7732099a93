"""The same replay through a broker and worker processes."""
