"""The reading side of an archive: views and their segments, and whether the files are what the manifest says."""
