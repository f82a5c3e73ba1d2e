"""The report for the record: what it says (`content`, `basis`), and how it is set as PDF (`pdf`) and as Word (`word`)."""
