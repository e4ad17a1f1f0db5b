"""The same Predictor as a Flask application.

in: a checkpoint and requests; out: pages and JSON.

answers: Answers as the API gives them: plain values, pictures as data URLs.
application: The Flask application: the page, its documentation, the API.
counting: What /metrics tells: requests, their time, failures, pictures under way (Prometheus
    text).
hosts: Where a web server is reached: host names, paths behind a proxy, addresses of visitors.
model_card: What a checkpoint knows of itself, for the page's documentation.
openapi: The API in words that programs read: OpenAPI 3.1.
room: The room for pictures under way, which all models and visitors of a server share.
safety: What keeps a page on an open network safe: headers, hosts that are answered, limits.
serving: Serving with waitress, and an end at which every accepted request is answered.
words: Every text of the page in each language.
worker: From the bytes of uploaded files to answers: bounded, in small batches for many visitors.
"""
