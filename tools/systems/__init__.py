"""What usually breaks on Windows and macOS, found without running anything there."""
