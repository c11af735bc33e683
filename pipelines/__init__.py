"""Kubeflow pipelines made of the components: compile, run on this machine, submit to a cluster."""
