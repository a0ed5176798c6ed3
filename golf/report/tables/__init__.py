"""Tables as plain text in cells; each format escapes and lays out what stands here."""
