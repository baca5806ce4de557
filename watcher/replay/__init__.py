"""The stored history once more: as it was told, message by message, or as other rules would have told it.

Above dispatch, whose rules and channels it uses. It reads the store and never writes to it, and fetches nothing.
"""
