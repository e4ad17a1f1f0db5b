# Two commands: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
# Your own class folders: make demo INPUT=folder. Without it pictures are drawn into an empty data/input.
DRAWN := data/input
INPUT ?= $(DRAWN)
DRAWING := --per-class 60 --size 256
PY := .venv/bin/python
DEMO := demo
# Options of improved_training.py; without any it starts from the weights that ship.
TRAINING :=
CHECKPOINT = $(DEMO)/model_checkpoints/celestial_classification_final_model.pth

# Corrections, one folder a class: make improve FOLDER=collected (docs/improving.md).
FOLDER :=
IMPROVED := improved
# The model to go on from; without one it is that of the other scripts.
PRESENT :=
# Options of datapre.py, such as --seed: those with which the present model's dataset was made.
SPLIT :=

.PHONY: setup demo improve web test test-all versions lint bench

setup: .venv/installed

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

# Everything goes to demo/, so that your own dataset, model and results stay as they are.
demo: setup
	@if [ "$(INPUT)" = "$(DRAWN)" ] && \
	    [ -z "$$(find "$(DRAWN)" -mindepth 2 -type f 2>/dev/null | head -n 1)" ]; then \
	    $(PY) render_samples.py $(DRAWING) --output-dir "$(DRAWN)"; fi
	$(PY) datapre.py --input-dir "$(INPUT)" --output-dir $(DEMO)/celestial_dataset
	$(PY) improved_training.py --data-dir $(DEMO)/celestial_dataset \
	    --output-dir $(DEMO)/model_checkpoints $(TRAINING)
	$(PY) evaluate_model.py --data-dir $(DEMO)/celestial_dataset \
	    --checkpoint $(CHECKPOINT) \
	    --output-dir $(DEMO)/evaluation_results
	$(PY) generate_visual_predictions.py --data-dir $(DEMO)/celestial_dataset \
	    --checkpoint $(CHECKPOINT) \
	    --output-dir $(DEMO)/visual_predictions
	$(PY) blind_test_validation.py --data-dir $(DEMO)/celestial_dataset \
	    --checkpoint $(CHECKPOINT) \
	    --output-dir $(DEMO)
	$(PY) predict_my_images.py $(DEMO)/celestial_dataset/test \
	    --checkpoint $(CHECKPOINT) \
	    --output-dir $(DEMO)/my_predictions
	@echo
	@echo "Done. Open these:"
	@echo "  $(DEMO)/evaluation_results/report.html                 all of it on one page"
	@echo "  $(DEMO)/celestial_dataset/sample_images.png            what the classes look like"
	@echo "  $(DEMO)/model_checkpoints/training_history.png         how training went"
	@echo "  $(DEMO)/evaluation_results/confusion_matrix.png        what is taken for what"
	@echo "  $(DEMO)/evaluation_results/misclassified_samples.png   every mistake"
	@echo "  $(DEMO)/evaluation_results/feature_activation_visualization.png   what the model looks at"
	@echo "  $(DEMO)/visual_predictions/showcase_summary.png        pictures with their predictions"
	@echo "  $(DEMO)/blind_test_report.png                          has it learned the content?"
	@echo "  $(DEMO)/my_predictions/contact_sheet.png               step 6, as for pictures of your own"

# The present model stays as it is; what is drawn is drawn anew, for data/input may have grown.
improve: setup
	@[ -d "$(FOLDER)" ] || { echo 'error: there is no folder "$(FOLDER)"; name the one that' \
	    "corrections were collected in: make improve FOLDER=collected" >&2; exit 1; }
	@[ -n "$$(find "$(FOLDER)" -mindepth 2 -type f ! -name '.*' | head -n 1)" ] || { \
	    echo 'error: "$(FOLDER)" holds no corrections; collect some, or put pictures into' \
	    '"$(FOLDER)/<class>"' >&2; exit 1; }
	rm -rf "$(IMPROVED)/drawn"
	$(PY) render_samples.py $(DRAWING) --lacking "$(INPUT)" \
	    $(if $(PRESENT),--checkpoint "$(PRESENT)") --output-dir "$(IMPROVED)/drawn"
	$(PY) datapre.py --input-dir "$(INPUT)" "$(FOLDER)" "$(IMPROVED)/drawn" \
	    --output-dir "$(IMPROVED)/celestial_dataset" $(SPLIT)
	set --; if [ -n "$$(find "$(FOLDER)/none_of_the_classes" -type f 2> /dev/null | head -n 1)" ]; \
	    then set -- --outliers "$(FOLDER)/none_of_the_classes"; fi; \
	    $(PY) improved_training.py --improve $(if $(PRESENT),"$(PRESENT)") "$$@" \
	    --stage1-epochs 60 --learning-rate 2e-3 --epochs 6 \
	    --data-dir "$(IMPROVED)/celestial_dataset" \
	    --output-dir "$(IMPROVED)/model_checkpoints" $(TRAINING)
	$(PY) compare_improved.py --corrections "$(FOLDER)" \
	    $(if $(PRESENT),--checkpoint "$(PRESENT)") \
	    --data-dir "$(IMPROVED)/celestial_dataset" --improved \
	    "$(IMPROVED)/model_checkpoints/celestial_classification_final_model.pth" \
	    --output-dir "$(IMPROVED)/comparison"

web: setup
	$(PY) web_app.py

.venv/tested: .venv/installed tests/requirements.txt requirements-openvino.txt requirements-ray.txt \
		requirements-export.txt requirements-onnx.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	touch $@

# Kills, simulations, engines, browsers and hostile visitors are marked slow: test-all runs them too.
PYTEST := $(PY) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
test: .venv/tested
	$(PY) -m ruff check .
	$(PYTEST) -m "not slow"

test-all: .venv/tested
	$(PY) -m ruff check .
	$(PYTEST)

# The oldest and the newest Python that the README names, each in an environment of its own.
PYTHONS ?= python3.10 python3.13
EVERY_STEP := tests/test_datapre.py tests/test_predict.py tests/test_evaluate.py tests/test_web.py
versions:
	for python in $(PYTHONS); do \
	    command -v $$python > /dev/null || { echo "$$python is not installed"; continue; }; \
	    $$python -m venv .venv-$$python && \
	    .venv-$$python/bin/python -m pip install --quiet --disable-pip-version-check \
	        -r requirements.txt && \
	    .venv-$$python/bin/python -m pytest --numprocesses auto --dist loadfile $(EVERY_STEP) || \
	    exit 1; done

# Peers are measured where they are installed: pip install -r benchmarks/requirements-peers.txt
bench: setup
	$(PY) benchmarks/run_all.py

lint: setup
	$(PY) -m ruff check .
