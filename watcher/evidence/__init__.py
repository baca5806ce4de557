"""The stored history proved, carried elsewhere and kept in bounds: verification, exports, imports, anchors, retention.

Beside backfill, above the store; below the commands.
"""
