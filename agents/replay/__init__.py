"""`newsquake replay`: history through the same stages. Only the composition lies here."""
