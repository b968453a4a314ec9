"""What all tests of pages share."""

from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(autouse=True, scope="session")
def _installed_packages_are_searched_once() -> Iterator[None]:
    """AppTest searches all installed packages for components at every run of a page, which takes longer than most pages
    do; Streamlit's server does it once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield
