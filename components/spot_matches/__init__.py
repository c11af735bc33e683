from components.spot_matches.component import spot_matches

__all__ = ["spot_matches"]
