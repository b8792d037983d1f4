"""Times name their zone: staff work from everywhere, and a bare ``6:15`` is nobody's clock."""

DATETIME_FORMAT = "j M Y, H:i T"
