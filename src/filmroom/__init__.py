"""An archive for medical images and their files that speaks XNAT's REST API."""

__version__ = "0.1.0"
