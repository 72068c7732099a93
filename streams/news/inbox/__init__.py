"""News that is brought: a watched folder, and documents that are posted."""
