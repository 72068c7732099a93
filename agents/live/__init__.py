"""`newsquake run`: everything live, over a journal on this machine or over a broker."""
