"""The archive: pages become parts, parts become session files, and the manifest says where each view lies.

Begin with `layout`, the map of the folder, and with `write/commit`, the one order of a commit: stage, record, publish.
`recovery` finishes a commit that a killed run began. `read/` gives views and segments back, and re-reads all files for
`verify`. All writing to the disk goes through `durable`.
"""
