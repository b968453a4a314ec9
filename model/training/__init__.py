"""From data to a run folder."""
