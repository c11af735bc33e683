"""The model registry: which version is champion, by which decision, and the way back."""

from rmsnet.registry.decision import Decision
from rmsnet.registry.stage import compare, promote, register_stage, rollback

__all__ = ["Decision", "compare", "promote", "register_stage", "rollback"]
