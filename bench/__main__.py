"""All measurements, one after the other: `python -m bench`. Exit 1 where a target is missed."""

from __future__ import annotations

import sys

from bench import replay, stored_bytes, subscriptions, table_diff, versus_urlwatch

if __name__ == "__main__":
    sys.exit(max([table_diff.main(), stored_bytes.main(), subscriptions.main(), replay.main(), versus_urlwatch.main()]))
