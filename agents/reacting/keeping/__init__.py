"""What a checkpoint keeps of an engine: state keys, pages of points, what is dirty, what has expired."""
