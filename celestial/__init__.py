"""What the numbered scripts share; each module holds one idea and no module imports a script."""

__version__ = "0.1.0"
