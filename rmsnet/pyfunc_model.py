"""The code of a logged model (MLflow "models from code"): features of a half in, events out."""

import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from rmsnet.model_files import load_model
from rmsnet.spotting import spot_features

# MLflow asks for type hints, from which it would guess a signature; ours is given.
warnings.filterwarnings("ignore", message=r"(?s).*Add type hints to the `predict` method", category=UserWarning)


class EventSpotter(PythonModel):  # type: ignore[misc]  # MLflow is not type-checked
    """Spots the events of one half."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = load_model(Path(context.artifacts["model"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow acts on hints
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
