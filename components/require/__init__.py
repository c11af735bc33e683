from components.require.component import require

__all__ = ["require"]
