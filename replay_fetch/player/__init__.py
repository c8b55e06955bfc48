"""The offline player: one page that holds a session's recording and plays it without a network.

The page is written as a stream, chunk after chunk; its scripts are ours (``web/``) and rrweb's, packed when the
package is built (``hatch_build``).
"""
