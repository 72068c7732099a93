"""What a person writes down, as frozen structs; each error names the key and the line."""
