#!/usr/bin/env bash
# What rmsnet does on a GPU, on a machine that has PyTorch and nothing of ours: see benchmarks/gpu/__init__.py.
set -eu
cd "$(dirname "$0")/.."
PYTHONUNBUFFERED=1 PYTHONPATH="$PWD" exec "${PYTHON:-python3}" -m benchmarks.gpu "$@"
