"""Change tracking and alerting for report and policy pages."""

__version__ = "0.1.0"
