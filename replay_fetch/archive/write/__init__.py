"""The writing side of an archive: pages and endings of views become parts and session files, in one commit order."""
