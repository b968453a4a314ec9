"""The floor of the benchmarks in the browser: an app that does nothing but show what is typed."""

import gc
import sys

import streamlit as st


@st.cache_resource
def prepare_process() -> None:
    """As the app does, so that collecting garbage and waiting for another thread cost neither of them anything."""
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()


@st.fragment
def echo() -> None:
    st.write(st.text_input("Text", "A little girl in a blue dress is playing in the green grass.", live="0ms"))


prepare_process()
echo()
