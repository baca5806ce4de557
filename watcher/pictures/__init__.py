"""Pictures of changes for chats and pages, drawn without a browser: changes in, a drawing out, then bytes or SVG.

Pure, above the words of render and beside them: whoever sends a message may send a picture with it. A PNG needs the
extra `pictures`; SVG needs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo

from watcher.core import Change
from watcher.pictures.maps import county_map
from watcher.pictures.placing import placed
from watcher.pictures.raster import png
from watcher.pictures.scene import Scene
from watcher.pictures.tables import change_table
from watcher.pictures.vector import svg

__all__ = ["HANDFUL", "Scene", "change_table", "county_map", "picture", "png", "svg"]

HANDFUL = 5
"""Up to so many places or rows, a message says it better than a picture."""


def picture(changes: Sequence[Change], zone: tzinfo = UTC) -> Scene | None:
    """Return the picture that tells `changes` best: a map, a table, or None where a few lines of text do."""
    if placed(changes).shown > HANDFUL:
        return county_map(changes, zone)
    return change_table(changes, zone) if len(changes) > HANDFUL else None
