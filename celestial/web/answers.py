"""Turns answers into the API's JSON: plain values, pictures as data URLs."""

import base64
import io

import numpy as np
from PIL import Image

from celestial.common.file_names import display_name
from celestial.common.translations import LANGUAGES, load_names
from celestial.pictures.preprocessing import as_picture
from celestial.web.worker import Answer

LONGEST_NAME = 200  # characters of a visitor's file name that are given back


def as_json(answer: Answer, filename: str, top_k: int) -> dict:
    """Return what is known of one file, as /api/openapi.json describes a Result."""
    prediction = answer.prediction
    result = {"filename": display_name(filename)[:LONGEST_NAME], "status": prediction.status}
    if prediction.probabilities is None:
        return {**result, "reason": prediction.reason}
    best, confidence = prediction.top(1)[0]
    result |= {
        "prediction": best if prediction.status == "ok" else None, "nearest": best,
        "names": names_of(best), "confidence": round(confidence, 6),
        "known_score": round(prediction.known_score, 6),
        "probabilities": [{"class": name, "names": names_of(name), "probability": round(value, 6)}
                          for name, value in prediction.top(top_k)],
    }
    if prediction.note:
        result["note"] = prediction.note
    if answer.heat is not None:
        result |= {"preview": data_url(answer.shown),
                   "seen": data_url(as_picture(prediction.square)),
                   "explanation": data_url(answer.heat)}
    return result


def names_of(label: str) -> dict[str, str]:
    """Return a class's name in each language."""
    return {"en": label, **_NAMES.get(label, dict.fromkeys(LANGUAGES, label))}


def data_url(picture: np.ndarray) -> str:
    """Return a picture, uint8 (height, width, 3), as the data URL of a JPEG."""
    return "data:image/jpeg;base64," + base64.b64encode(as_jpeg(picture)).decode()


def as_jpeg(picture: np.ndarray) -> bytes:
    """Return a picture, uint8 (height, width, 3), as the bytes of a JPEG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=88)
    return file.getvalue()


_NAMES = load_names()
