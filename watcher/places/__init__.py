"""Jurisdictions as identities: "Clark County, Nev.", "CLARK COUNTY (NV)" and "Clark County, Nevada" are one.

Pure, below everything that reads or compares pages. `resolve` reads one listed name, `mentions` reads prose.
"""

from watcher.places.names import candidates, resolve, split_office, state_code
from watcher.places.prose import mentions
from watcher.places.spelling import normalise, slug

__all__ = ["candidates", "mentions", "normalise", "resolve", "slug", "split_office", "state_code"]
