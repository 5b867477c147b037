"""Pictures of every page, for a telephone and a desktop: `make screenshots` takes them from the real pages."""
