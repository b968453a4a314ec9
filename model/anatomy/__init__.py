"""One head taken apart, and computed again."""
