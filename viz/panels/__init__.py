"""The parts of the Explore page that open on demand: a function each, from what is on screen to widgets."""
