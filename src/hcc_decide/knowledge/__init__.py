"""The knowledge: loading, checking and indexing ``rules/``. Nothing clinical is written here."""
