"""Configuration of Sphinx for `make docs`; ferkit.workbook.site writes the sources."""

from ferkit import __version__
from ferkit.workbook.pages import to_mathml

project = "ferkit"
author = "The ferkit authors"
version = release = __version__
extensions = ["myst_nb"]
html_theme = "furo"
html_title = "ferkit"
html_show_copyright = False
html_copy_source = False
exclude_patterns = ["**/.ipynb_checkpoints"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
# Addresses without a scheme of their own are files, so that a wrong link is a warning.
myst_url_schemes = ("http", "https", "mailto")
html_math_renderer = "mathml"


def write_inline(self, node) -> None:
    """Write an equation within a line."""
    self.body.append(to_mathml(node.astext(), "inline"))


def write_block(self, node) -> None:
    """Write an equation of its own."""
    self.body.append(f"<div>{to_mathml(node.astext(), 'block')}</div>")


def skip(write):
    """Write a node without its children."""
    from docutils.nodes import SkipNode

    def visit(self, node) -> None:
        write(self, node)
        raise SkipNode

    return visit


def setup(app) -> None:
    """Let browsers draw equations: MathML needs neither the network nor a script."""
    renderers = ((skip(write), None) for write in (write_inline, write_block))
    app.add_html_math_renderer("mathml", *renderers)
