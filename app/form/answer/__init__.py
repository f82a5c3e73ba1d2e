"""The answer: headline, cards, what is missing, what is excluded."""
