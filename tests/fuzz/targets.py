"""The targets: each takes any bytes, lets out documented errors alone, and holds what came to its law."""

from __future__ import annotations

from collections.abc import Callable

from fuzz import answers, files, recordings

Target = Callable[[bytes], None]

TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        files.view_list,
        files.manifest,
        files.raw_pages,
        files.env_file,
        files.settings_file,
        answers.page,
        answers.segment,
        answers.headers,
        answers.status,
        answers.token,
        answers.search,
        recordings.recording,
    )
}
