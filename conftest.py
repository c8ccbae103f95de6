"""Settings of the repository's own test run; scenarios need nothing from here."""
