from components.collect_features.component import collect_features

__all__ = ["collect_features"]
