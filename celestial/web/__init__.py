"""The web page: the same model in a browser. `create_app` makes the Flask application."""

from celestial.web.application import create_app

__all__ = ["create_app"]
