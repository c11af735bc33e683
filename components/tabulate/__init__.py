from components.tabulate.component import tabulate

__all__ = ["tabulate"]
