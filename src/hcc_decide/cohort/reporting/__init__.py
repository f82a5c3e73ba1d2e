"""The summary of a cohort: what it says, and as HTML, Markdown and lines for a terminal."""
