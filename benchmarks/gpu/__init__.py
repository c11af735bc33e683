"""What rmsnet does on a GPU: right, how fast, and how far from what the card can do.

    bash benchmarks/gpu.sh --out DIR [--quick] [--sections step,schedule] [--device cpu --toy]

PyTorch, torchvision, NumPy and safetensors are all it needs; features, pictures and weights are made up on the spot.
Whatever a figure is compared with is measured in the same run. Each section is a process of its own with its own time:
what fails or takes too long leaves the others alone. DIR/results.json and DIR/results.md are whole after every figure.

Read first: `__main__.py` (the sections), then `correctness.py`.
"""
