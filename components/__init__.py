"""Kubeflow components: one thin, typed door per stage. Everything they do is in `rmsnet`."""
