"""The code of a logged model (MLflow "models from code"): features of a half in, events out."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel, PythonModelContext

from rmsnet.errors import UserError
from rmsnet.logs import log
from rmsnet.spotting.half_spotter import open_half_spotter

THRESHOLDED = "thresholded"
"""The parameter of `predict`: true leaves out the events below their class's threshold."""


class EventSpotter(PythonModel):  # type: ignore[misc]  # MLflow is not type-checked
    """Spots the events of one half."""

    def load_context(self, context: PythonModelContext) -> None:
        self.spotter = open_half_spotter(Path(context.artifacts["model"]))

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
        try:
            events = self.spotter.events(features, thresholded=bool((params or {}).get(THRESHOLDED)))
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        found = self.spotter.drift(features)
        if found is not None and found.drifted:
            log.warning(found.text)
        # Of no event, too, the columns are of their types: the signature says so.
        types = {"position_ms": np.int64, "label": str, "confidence": np.float64}
        return pd.DataFrame({name: pd.Series(column, dtype=types[name]) for name, column in asdict(events).items()})


mlflow.models.set_model(EventSpotter())
