"""The commands of ``python -m model``, one file each: the command's options, and what it does."""
