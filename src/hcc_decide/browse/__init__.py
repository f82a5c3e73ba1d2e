"""Reading the knowledge without a patient: search, trials and their results, events by year."""
