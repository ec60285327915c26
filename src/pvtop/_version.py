"""The version, in a module that any module may import."""

__version__ = "0.1.0"
