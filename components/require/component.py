"""The component that ends a run when the gate said no."""

from components.image import component


@component()
def require(verdict: str):
    from components.require.body import body

    body(verdict)
