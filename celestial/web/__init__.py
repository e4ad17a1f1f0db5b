"""Serves the same Predictor as a Flask application.

in: a checkpoint and requests; out: pages and JSON.

serving: Serves with waitress, and answers every accepted request before it ends.
application: Makes the Flask application: the page, its documentation, the API.
safety: Protects a page on an open network: security headers, allowed hosts, limits.
hosts: Checks host names and paths behind a proxy, and tells visitors by their addresses.
worker: Answers uploaded files in small batches, for many visitors at once, within a bounded room.
room: Limits the pictures under way, over all models and visitors of a server.
corrections: Files pictures that visitors send again with what they show (--collect).
answers: Turns answers into the API's JSON: plain values, pictures as data URLs.
words: Holds every text of the page in each language.
model_card: Makes a checkpoint's model card for the page's documentation: classes, training,
    figures.
openapi: Describes the API for programs: OpenAPI 3.1.
counting: Counts for /metrics: requests, their time, failures, pictures under way (Prometheus
    text).
"""
