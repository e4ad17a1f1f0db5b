"""Describes the API for programs: OpenAPI 3.1."""

from celestial import __version__
from celestial.web.safety import Limits

NUMBER = {"type": "number"}
TEXT = {"type": "string"}
NAMES = {"type": "object", "required": ["en", "zh", "ko"],
         "properties": {"en": TEXT, "zh": TEXT, "ko": TEXT}}
PICTURE = {"type": "string", "format": "uri"}
RESULT = {
    "type": "object", "required": ["filename", "status"],
    "properties": {
        "filename": TEXT,
        "status": {"enum": ["ok", "unknown", "failed"],
                   "description": "unknown: none of the model's classes; failed: no picture"},
        "reason": {**TEXT, "description": "why there is no answer"},
        "note": {**TEXT, "description": "what to know of a picture that could be read"},
        "prediction": {"type": ["string", "null"]},
        "nearest": {**TEXT, "description": "the most probable class, also of unknown ones"},
        "names": NAMES,
        "confidence": {**NUMBER, "description": "calibrated probability of `nearest`, 0..1"},
        "known_score": {**NUMBER, "description": "how well the picture fits the classes"},
        "probabilities": {"type": "array", "items": {
            "type": "object", "required": ["class", "names", "probability"],
            "properties": {"class": TEXT, "names": NAMES, "probability": NUMBER}}},
        "preview": {**PICTURE, "description": "the picture, small"},
        "seen": {**PICTURE, "description": "what the network saw"},
        "explanation": {**PICTURE, "description": "Grad-CAM: what spoke for `nearest`"},
    }}
ERROR = {"type": "object", "required": ["error"], "properties": {
    "error": {"type": "object", "required": ["status", "reason"],
              "properties": {"status": {"type": "integer"}, "reason": TEXT}},
    "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}}}}
REASONS = {
    "400": "a wrong option, no file, or too many", "413": "the request is too large",
    "415": "not multipart/form-data", "422": "none of the files is a picture that can be read",
    "429": "too many requests from one address", "503": "busy; Retry-After says when to try again"}


def describe(models: list[str], limits: Limits, path: str) -> dict:
    """Return the description of the API.

    Args:
        models: names of the checkpoints that can be chosen.
        limits: of requests.
        path: under which the page is reached; empty: the root.
    """
    form = {"file": {"type": "array", "items": {"type": "string", "format": "binary"},
                     "minItems": 1, "maxItems": limits.files,
                     "description": f"pictures, {limits.megabytes} MiB together at most"}}
    options = {"model": {"enum": models}, "explain": {
        "enum": ["true", "false"], "default": "false",
        "description": "whether `preview`, `seen` and `explanation` are wanted: much slower"},
               "top_k": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 3}}
    answer = {"type": "object", "required": ["model", "results"], "properties": {
        "model": TEXT, "results": {"type": "array",
                                   "items": {"$ref": "#/components/schemas/Result"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Celestial image classifier", "version": __version__},
        "servers": [{"url": path or "/"}],
        "paths": {
            "/api/predict": {"post": _operation(
                "predict", "What do these pictures show?", {**form, **options},
                {"application/json": {"schema": answer}})},
            "/api/preview": {"post": _operation(
                "preview", "A small JPEG of any picture, for browsers that cannot show it",
                {"file": {"type": "string", "format": "binary"}},
                {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}})},
            "/health": {"get": {"operationId": "health", "responses": {
                "200": {"description": "it answers", "content": {"application/json": {"schema": {
                    "type": "object", "required": ["status", "version", "models"], "properties": {
                        "status": {"const": "ok"}, "version": TEXT,
                        "models": {"type": "array", "items": TEXT}}}}}}}}},
            "/metrics": {"get": {"operationId": "metrics", "responses": {
                "200": {"description": "Prometheus text", "content": {
                    "text/plain": {"schema": TEXT}}}}}},
        },
        "components": {"schemas": {"Result": RESULT, "Error": ERROR}},
    }


def _operation(name: str, summary: str, fields: dict, content: dict) -> dict:
    errors = {status: {"description": reason, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
        **({"text/plain": {"schema": TEXT}} if status in ("400", "413") else {})}}
        for status, reason in REASONS.items()}
    return {"operationId": name, "summary": summary, "requestBody": {
        "required": True, "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["file"], "properties": fields}}}},
        "responses": {"200": {"description": "an answer for each file, in order",
                              "content": content}, **errors}}
