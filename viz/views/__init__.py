"""The pages: widgets, layout and calls; one file each."""
