"""The code of a logged model (MLflow "models from code"): features of a half in, events out."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from rmsnet.model_files import load_model
from rmsnet.spotting import spot_features


class EventSpotter(PythonModel):  # type: ignore[misc]  # MLflow is not type-checked
    """Spots the events of one half."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = load_model(Path(context.artifacts["model"]))

    # MLflow acts on hints: of an array it guesses no signature, and ours is given.
    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Events of a half.

        Args:
            context: unused; the model is loaded.
            model_input: (T, D) float32 features at the model's frame rate.
            params: unused.

        Returns:
            A row per event: position_ms, label, confidence.
        """
        found = spot_features(self.model, np.asarray(model_input, np.float32))
        return pd.DataFrame(
            {
                "position_ms": found.position_ms,
                "label": [self.model.classes[label] for label in found.label],
                "confidence": found.confidence,
            }
        )


mlflow.models.set_model(EventSpotter())
