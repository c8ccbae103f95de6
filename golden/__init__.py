"""The goldens of the bundled scenarios, one folder each: data, no code."""
