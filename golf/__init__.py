"""golf: ablation tables for small language models, from one YAML file."""

__version__ = "0.1.0"
