"""The adapters that ship with watcher, one file a kind; each is found by its entry point, as a stranger's would be."""
