"""The model registry: which version is champion, by which decision, and the way back."""

from rmsnet.registry.stage import Decision, register_stage

__all__ = ["Decision", "register_stage"]
