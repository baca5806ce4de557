"""What each command does and prints, by theme; cli reads the words and calls here."""
