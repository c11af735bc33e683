"""The paper's tables and figures as studies: rows of changed parameters, trained with several seeds, side by side."""

from rmsnet.study.grids import STUDIES, Row, Study
from rmsnet.study.stage import reproduce

__all__ = ["STUDIES", "Row", "Study", "reproduce"]
