"""Days read alike everywhere. Times name their zone: staff work from anywhere; a bare ``6:15`` is nobody's clock."""

DATETIME_FORMAT = "j M Y, H:i T"
DATE_FORMAT = "j M Y"
