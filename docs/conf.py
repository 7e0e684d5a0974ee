"""Sphinx's configuration; `generate.py` writes the parts of pages that the program itself knows."""

import sys
from pathlib import Path

import privacy_sdk

sys.path.insert(0, str(Path(__file__).parent))

project = "privacy_sdk"
version = release = privacy_sdk.__version__
html_title = "privacy_sdk"
copyright = "The privacy_sdk authors"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generate"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]

# Notebooks are shown as `make notebooks` executed them; what shows is their HTML and pictures.
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Every name that a docstring refers to has to be there; types in signatures may be others'.
nitpicky = True
nitpick_ignore_regex = [("py:class", ".*"), ("py:obj", ".*")]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
python_display_short_literal_types = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Source"]

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "privacy_sdk"},
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        "reference/settings": [],  # wide tables
        "reference/errors": [],
        "about/design": [],
    },
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
