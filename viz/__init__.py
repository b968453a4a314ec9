"""Everything that draws. Figure modules know neither Streamlit nor torch; only ``state`` and ``views`` do."""
