"""Everything that draws; only ``state``, ``components`` and ``pages`` know Streamlit."""
