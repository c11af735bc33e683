from components.collect_matches.component import collect_matches

__all__ = ["collect_matches"]
