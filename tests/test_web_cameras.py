"""The page takes the files of cameras as predict_my_images.py does: from bytes, by content."""

import numpy as np
import pytest
from camera_files import dng, mosaic, ser, video, xisf_by_hand
from conftest import draw
from web_client import serving

PICTURE = draw("saturn", 1)
LIGHT = np.uint16(PICTURE) * 50
FILES = {"dng": dng(mosaic(LIGHT)), "ser": ser(np.stack([PICTURE] * 3), 100),
         "xisf": xisf_by_hand(np.moveaxis(LIGHT, 2, 0).tobytes(), {
             "geometry": "48:48:3", "sampleFormat": "UInt16", "colorSpace": "RGB"}),
         "avi": video([PICTURE] * 3, "avi", "MJPG"), "mp4": video([PICTURE] * 3, "mp4", "mp4v")}


@pytest.mark.slow
def test_files_of_cameras_are_answered(checkpoint, tmp_path):
    with serving(tmp_path, "--checkpoint", checkpoint) as (_, client):
        for name, data in FILES.items():
            answer = client.post("/api/predict", [(f"a.{name}", data), ("cut", data[:150])])
            whole, cut = answer.json["results"]
            assert whole["status"] in ("ok", "unknown"), whole
            assert cut["status"] == "failed" and cut["reason"]
            if name in ("ser", "avi", "mp4"):
                assert "frame " in str(whole)
