"""Labels that were accepted from a model's suggestions: how label files say so.

An event of a label file that says "origin": "suggested" was proposed by a model ("suggested_by": the start of its
weights hash) and accepted by a person. A model is not judged by its own suggestions without saying so.
"""

ORIGIN = "origin"
SUGGESTED = "suggested"
SUGGESTED_BY = "suggested_by"
