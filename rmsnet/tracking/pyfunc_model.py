"""The code of a logged model (MLflow "models from code"): features of a half in, events out."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from rmsnet.errors import UserError
from rmsnet.features.profile import PROFILE_FILE, Drift, drift, read_profile, summarize
from rmsnet.logs import log
from rmsnet.network.model_files import load_model
from rmsnet.spotting.inference import spot_features
from rmsnet.spotting.thresholds import is_told, learned_thresholds

THRESHOLDED = "thresholded"
"""The parameter of `predict`: true leaves out the events below their class's threshold."""


class EventSpotter(PythonModel):  # type: ignore[misc]  # MLflow is not type-checked
    """Spots the events of one half."""

    def load_context(self, context: PythonModelContext) -> None:
        folder = Path(context.artifacts["model"])
        self.model = load_model(folder)
        self.least = learned_thresholds(folder, self.model.classes)
        self.profile = read_profile(folder / PROFILE_FILE) if (folder / PROFILE_FILE).exists() else None

    # MLflow acts on hints: of an array it guesses no signature, and ours is given.
    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Events of a half.

        Args:
            context: unused; the model is loaded.
            model_input: (T, D) float32 features at the model's frame rate.
            params: {"thresholded": true} leaves out events below the threshold of their class.

        Returns:
            A row per event: position_ms, label, confidence.

        Raises:
            MlflowException: features that the model cannot read; a server answers 400.
        """
        with np.errstate(over="ignore"):  # what float32 does not hold is refused as infinity
            features = np.asarray(model_input, np.float32)
        events = self.events(features, thresholded=bool((params or {}).get(THRESHOLDED)))
        found = self.drift(features)
        if found is not None and found.drifted:
            log.warning(found.text)
        return events

    def events(self, features: np.ndarray, thresholded: bool = False) -> pd.DataFrame:
        """See `predict`."""
        try:
            found = spot_features(self.model, features)
            told = is_told(found, self.least) if thresholded and self.least is not None else slice(None)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        return pd.DataFrame(
            {
                "position_ms": found.position_ms[told],
                # Of no event, too, a column of texts: the signature says so.
                "label": pd.Series([self.model.classes[label] for label in found.label[told]], dtype=str),
                "confidence": found.confidence[told],
            }
        )

    def drift(self, features: np.ndarray) -> Drift | None:
        """How far the features lie from those of the training; None where the model has no profile."""
        return None if self.profile is None else drift(self.profile, summarize(features))


mlflow.models.set_model(EventSpotter())
