from components.fetch_matches.component import fetch_matches

__all__ = ["fetch_matches"]
