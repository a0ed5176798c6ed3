"""How many bytes an artifact will take, told before anything is trained."""
