"""Speed and memory beside CLIPS and plain Python: the same rules, the same patients, one run."""
