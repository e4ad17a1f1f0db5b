"""Describes the API for programs: OpenAPI 3.1."""

from celestial import __version__
from celestial.web.corrections import A_MINUTE, NONE
from celestial.web.safety import OWN_HEADER, Limits

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
CORRECTED = {
    "type": "object",
    "required": ["correction", "known", "cleaned", "sha256_sent", "sha256_stored"],
    "properties": {
        "correction": {**TEXT, "description": "the class under which the picture lies now"},
        "known": {"type": "boolean", "description": "it lay there before; nothing was stored"},
        "cleaned": {"type": "boolean", "description": "whether its metadata were taken out"},
        "sha256_sent": TEXT, "sha256_stored": TEXT}}
CORRECTING = REASONS | {
    "400": "a wrong option, no file, too many, or a name that no class can have",
    "403": f"without the header {OWN_HEADER}, or from a page of another site",
    "422": "no picture that can be read", "429": f"too many requests, or more than {A_MINUTE} "
    "corrections a minute, from one address", "500": "the folder of corrections cannot be written",
    "507": "no space for more corrected pictures"}


def describe(models: list[str], limits: Limits, path: str, collecting: bool = False) -> dict:
    """Return the description of the API.

    Args:
        models: names of the checkpoints that can be chosen.
        limits: of requests.
        path: under which the page is reached; empty: the root.
        collecting: whether answers can be corrected.
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
            **({"/api/correct": {"post": _correcting(options["model"])}} if collecting else {}),
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


def _correcting(model: dict) -> dict:
    operation = _operation(
        "correct", "Store a picture with what it shows, to learn from; its metadata are taken out "
        "of JPEG, PNG and WebP",
        {"file": {"type": "string", "format": "binary"}, "model": model,
         "correction": {**TEXT, "description": f"a class, an old or a new one, or {NONE}"}},
        {"application/json": {"schema": CORRECTED}}, CORRECTING)
    header = {"name": OWN_HEADER, "in": "header", "required": True, "schema": {"const": "1"}}
    return operation | {"parameters": [header]}


def _operation(name: str, summary: str, fields: dict, content: dict,
               reasons: dict[str, str] = REASONS) -> dict:
    errors = {status: {"description": reason, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
        **({"text/plain": {"schema": TEXT}} if status in ("400", "413") else {})}}
        for status, reason in reasons.items()}
    return {"operationId": name, "summary": summary, "requestBody": {
        "required": True, "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["file"], "properties": fields}}}},
        "responses": {"200": {"description": "an answer for each file, in order",
                              "content": content}, **errors}}
