"""What is on screen, as values and words: no Streamlit, no Plotly, no torch."""
