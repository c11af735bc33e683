"""rmsnet registry: what is in the model registry, how it gets there, and the way back."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import add_json_option, add_params_options, params_of


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("registry", help="the model registry: register, list, promote, roll back")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    register = actions.add_parser("register", help="register the best of some models; the gate decides on @champion")
    register.add_argument("models", type=Path, nargs="+", help="model folders (rmsnet train)")
    register.add_argument("--evaluation", type=Path, required=True, help="folder with the evaluation of each model")
    _add_gate_options(register)
    register.set_defaults(run=run_register)

    promote = actions.add_parser("promote", help="ask the gate about a version that is registered")
    promote.add_argument("version", nargs="?", help="number or alias (default: @challenger)")
    _add_gate_options(promote)
    promote.add_argument("--force", metavar="REASON", help="promote it whatever the gate says; the reason is recorded")
    promote.set_defaults(run=run_promote)

    rollback = actions.add_parser("rollback", help="make an earlier champion champion again")
    rollback.add_argument("--to", type=int, metavar="VERSION", help="(default: @previous)")
    rollback.add_argument("--reason", required=True, help="recorded in the history")
    rollback.set_defaults(run=run_rollback)

    listing = actions.add_parser("list", help="versions, their scores and aliases")
    listing.set_defaults(run=run_list)
    history = actions.add_parser("history", help="every change of an alias: who, when, from, to, why")
    history.set_defaults(run=run_history)
    compare = actions.add_parser("compare", help="score two versions on the same games")
    compare.add_argument("versions", nargs=2, metavar="VERSION", help="number or alias")
    compare.add_argument("--features", type=Path, required=True, help="frame banks with a validation split")
    compare.set_defaults(run=run_compare)
    for action in (rollback, listing, history, compare):
        add_params_options(action)
        add_json_option(action)

    store = actions.add_parser("store", help="which store this is; a pipeline registers again where that changes")
    store.add_argument("--out", type=Path, metavar="FILE", help="write it here too, as JSON")
    add_params_options(store)
    add_json_option(store)
    store.set_defaults(run=run_store)

    sync = actions.add_parser("sync", help="bring runs that waited for the MLflow server to it")
    add_json_option(sync)
    sync.set_defaults(run=run_sync)


def _add_gate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--features", type=Path, required=True, help="frame banks the models are judged on")
    parser.add_argument("--validation", type=Path, help="folder of the data's validation report (rmsnet validate)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the decision")
    add_params_options(parser)
    add_json_option(parser)


def run_register(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.stage import register_stage

    decision = register_stage(
        options.models, options.evaluation, options.features, options.out, params, validation=options.validation
    )
    if not options.json:
        print((options.out / "summary.md").read_text(encoding="utf-8"), end="")
    return asdict(decision)


def run_promote(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.report import verdict
    from rmsnet.registry.stage import promote

    decision = promote(
        options.version,
        options.features,
        options.out,
        params,
        validation=options.validation,
        force=options.force,
    )
    if not options.json:
        print(f"{verdict(decision)}; {options.out}/decision.md")
    return asdict(decision)


def run_rollback(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.history import as_json
    from rmsnet.registry.stage import rollback

    change = rollback(params.register.model_name, options.reason, options.to)
    if not options.json:
        print(f"{params.register.model_name}: {change.text}")
    return as_json(change)


def run_list(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet import tracking
    from rmsnet.registry.history import settle

    settle(name)
    versions = tracking.versions(name)
    if not options.json:
        _print_table(
            ["version", "alias", "variant", "valid", "test", "data", "decision", "commit"],
            [
                [
                    str(version.version),
                    " ".join(f"@{alias}" for alias in version.aliases),
                    version.tags.get("variant", ""),
                    _percent(version.tags.get("valid_average_map")),
                    _percent(version.tags.get("test_average_map")),
                    version.tags.get("dataset", "")
                    + (" (simulated)" if version.tags.get("simulated") == "true" else ""),
                    version.tags.get("decision", ""),
                    version.tags.get("git.commit", "")[:8],
                ]
                for version in versions
            ],
            f"{name}: no version yet; make one with: rmsnet registry register",
        )
    return [asdict(version) for version in versions]


def run_history(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet.registry.history import as_json, settle

    changes, _ = settle(name)
    if not options.json:
        _print_table(
            ["change", "when", "who", "what", "moves", "why"],
            [
                [
                    str(change.number),
                    change.when,
                    change.who,
                    change.kind if change.holds else f"{change.kind} (came too late)",
                    change.text,
                    change.why,
                ]
                for change in changes
            ],
            f"{name}: nothing has happened yet",
        )
    return [as_json(change) for change in changes]


def run_compare(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry.stage import compare

    made, classes, first, second = compare(options.versions[0], options.versions[1], options.features, params)
    one, two = f"version {first.version}", f"version {second.version}"
    rows = [("Average-mAP", made.difference, made.low, made.high)] + [
        (name, float(value), float(low), float(high))
        for name, value, low, high in zip(classes, made.class_difference, made.class_low, made.class_high, strict=True)
    ]
    if not options.json:
        print(
            f"{one} {100 * made.challenger:.2f}, {two} {100 * made.champion:.2f} (Average-mAP, %) on {made.games} "
            f"games; {one} minus {two} with {100 * params.register.confidence:g} % bounds:"
        )
        _print_table(
            ["", "difference", "low", "high"],
            [[name, *(f"{100 * number:+.2f}" for number in numbers)] for name, *numbers in rows],
            "",
        )
    return {
        "versions": [first.version, second.version],
        "average_map": [made.challenger, made.champion],
        "games": made.games,
        "differences": {name: {"value": value, "low": low, "high": high} for name, value, low, high in rows},
    }


def run_store(options: argparse.Namespace) -> Any:
    name = params_of(options).register.model_name

    from rmsnet import tracking
    from rmsnet.files import write_json

    identity = tracking.store_identity(name)
    if options.out is not None:
        write_json(options.out, identity)
    if not options.json:
        lost = f"; it has lost the champion of {name}" if identity["lost_champion"] else ""
        print(f"{tracking.shown(tracking.tracking_uri())}: {identity['store']}{lost}")
    return identity


def run_sync(options: argparse.Namespace) -> Any:
    from rmsnet import tracking

    synced = tracking.sync()
    if not options.json:
        for run in synced:
            print(f"{run.name}: run {run.run_id}")
        print(f"{len(synced)} runs brought to {tracking.tracking_uri()}")
    return [asdict(run) for run in synced]


def _percent(value: str | None) -> str:
    return "" if value is None else f"{100 * float(value):.2f}"


def _print_table(head: list[str], rows: list[list[str]], nothing: str) -> None:
    if not rows:
        print(nothing)
        return
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
