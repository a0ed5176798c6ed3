"""Hold the presets against what the published programs compute; see ``__main__``."""
