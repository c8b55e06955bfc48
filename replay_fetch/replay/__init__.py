"""A recorded page, rebuilt: rrweb events, checkpoints, actions, and the page as static HTML.

A ``Recording`` takes the segments of ONE view. Tabs of a session overlap, so two views are never read together. A
recording is read once, from the front, as a stream; its ``account`` grows meanwhile. Nothing here does I/O, and no
record raises: records that cannot be used are counted in ``account.notes``.

::

    recording = Recording(view_segments(out, entry))
    for chunk in recording.chunks():     # or: for event in recording.events()
        write(b"[" + b",".join(event.json for event in chunk.events) + b"]")
    recording.account.actions            # clicks, inputs, pages …; active, gaps, masked, seen, ended
    canvas_rules(recording.account.canvas_sizes)  # CSS that the player's page needs: no script draws there
"""
