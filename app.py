"""Headlight: watch what a Transformer pays attention to, while you type. Start with ``streamlit run app.py``."""

import streamlit as st

from viz import state
from viz.views import anatomy, explore, positions

st.set_page_config(page_title="Headlight", page_icon="🔦", layout="wide")
state.prepare_process()
st.navigation(
    [
        st.Page(explore.page, title="Explore", icon=":material/grid_view:", url_path="explore", default=True),
        st.Page(anatomy.page, title="Anatomy", icon=":material/account_tree:", url_path="anatomy"),
        st.Page(positions.page, title="Positions", icon=":material/format_list_numbered:", url_path="positions"),
    ],
    position="top",
).run()
