"""Pictures of a study: PNG and SVG, for a light page and for a dark one."""
