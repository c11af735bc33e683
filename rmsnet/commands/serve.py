"""rmsnet serve: a model as a web service."""

import argparse

from rmsnet.commands._options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="a model as a web service: features in, events as JSON out")
    parser.add_argument("model", help="models:/rmsnet@champion, or a folder with an MLflow model")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="(default: 8080)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from rmsnet.registry.serving import serve

    serve(options.model, options.host, options.port)
