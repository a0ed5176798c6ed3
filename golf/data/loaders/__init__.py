"""What training reads, step by step; one loader per module, chosen in ``build``."""
