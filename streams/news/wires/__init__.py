"""Push wires of news: one file a vendor; pure words in and out."""
