"""The colours of all plots."""

import seaborn as sns

# Found by search: the two nearest differ by 18 (CIEDE2000), also for the three colour blindnesses.
EMOTION_COLOURS = {
    "neutral": "#6a6a6a",
    "anger": "#840b0e",
    "contempt": "#e770a7",
    "disgust": "#149c58",
    "fear": "#572557",
    "happiness": "#d4c115",
    "sadness": "#0a5bce",
    "surprise": "#25d0f7",
}
NO_EMOTION = "#d0d0d0"  # of votes for "unknown" and "not a face"
_PALETTE = sns.color_palette("colorblind", 10).as_hex()
SERIES = tuple(_PALETTE[i] for i in (0, 1, 2, 4, 7, 9))
INK = "#222222"
FAINT = "#b8b8b8"
GRID_COLOUR = "#eeeeee"
MISSING_COLOUR = "#dddddd"  # where a value is missing
