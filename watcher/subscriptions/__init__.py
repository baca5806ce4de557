"""What people ask for: a chat's words to a filter, a filter to words, and many filters matched at once.

Pure; above route, whose `matches` says what a filter means.
"""

from watcher.subscriptions.filters import describe, filter_from, filter_json, place_name
from watcher.subscriptions.index import Index
from watcher.subscriptions.reading import Choice, Choices, Refused, read

__all__ = ["Choice", "Choices", "Index", "Refused", "describe", "filter_from", "filter_json", "place_name", "read"]
