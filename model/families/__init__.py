"""Other people's models and recordings: what they attended to, as a :class:`model.trace.Trace`."""
