"""The report as one HTML file: sortable, filterable, with curves and configurations."""
