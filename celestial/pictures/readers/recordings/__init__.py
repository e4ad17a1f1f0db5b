"""SER and videos, files of many frames, of which one is the picture.

in: a SER file or a video; out: RGB of its sharpest frame, or of the one at a time.

moments: Names the frames of a recording by the time at which they were taken.
frames: Chooses the frame of a recording that is the picture.
ser: Reads frames of a SER file (Lucam Recorder; SER format description, version 3).
video: Reads frames of a video (AVI, MP4, MOV) with FFmpeg, through OpenCV.
"""
