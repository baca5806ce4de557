"""The channels: one file a kind, each with its options and a class that delivers one message and says how it went."""
