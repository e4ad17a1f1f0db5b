"""Writes a page that needs no server: the pictures are answered inside the visitor's browser.

in: a model.onnx; out: a folder of files for any static host.

onnxruntime_web: Fetches ONNX Runtime for browsers from npm: one version, whose content is known.
site: Writes the folder, from the templates, words and style of the Flask page.
"""
