"""RMS-Net: regression and masking for soccer event spotting, as a pipeline with a model registry."""

__version__ = "0.1.0"
