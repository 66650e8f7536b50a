"""ferkit: a research workbook on facial expression recognition.

Conventions, stated here and nowhere else
- Axes in docstrings: `B` batch, `T` frames, `C` channels, `H W` pixels, `L` landmarks (68),
  `P` patches, `K` classes, `D` features.
- Pictures are RGB `uint8` arrays `(H, W, 3)` on disk and in memory, floats in [0, 1] inside
  networks.
- Points are `(x, y)` in pixels, origin at the top left corner of the picture, y down; pixel centres
  lie at integer + 0.5. Landmarks are the 68 iBUG points, 0-based, shape `(68, 2)`.
- "left" and "right" are the subject's own.
- An emotion is its name; a class index exists only inside the `LabelSet` of one experiment.
"""

__version__ = "0.1.0"
