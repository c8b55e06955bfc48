"""The player in a browser: opened, sought in, and held against what the recorded pages really showed."""
