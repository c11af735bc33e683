"""What is read from the tables of a SQLite store is what MLflow's client says."""

from mlflow.store.db.utils import _get_latest_schema_revision

from rmsnet import tracking
from rmsnet.tracking import sqlite
from rmsnet.tracking.registry_tables import alias_rows, version_rows
from rmsnet.tracking.store import our_client

READ = ("version", "source", "run_id", "creation_timestamp", "tags")


def test_the_newest_schema_is_that_of_mlflow():
    assert sqlite.newest_revision() == _get_latest_schema_revision()


def test_versions_tags_and_aliases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client, path = our_client(), tmp_path / "mlflow.db"
    assert version_rows(path, "line") == []
    assert alias_rows(path, "line") == {}
    for name in ("line", "line-history"):
        client.create_registered_model(name)
        for number in (1, 2, 3):
            tags = {"number": str(number), "of": name}
            client.create_model_version(name, f"s3://models/m-{number}", tags=tags, await_creation_for=0)
    client.delete_model_version("line", "2")
    client.set_model_version_tag("line", "3", "number", "three")
    client.delete_model_version_tag("line", "1", "of")
    client.set_registered_model_alias("line", "champion", "3")
    client.set_registered_model_alias("line", "challenger", "1")
    client.delete_registered_model_alias("line", "challenger")
    for name in ("line", "line-history"):
        told = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda item: -int(item.version))
        assert [[getattr(row, key) for key in READ] for row in version_rows(path, name)] == [
            [int(item.version), *(getattr(item, key) for key in READ[1:])] for item in told
        ]
        assert alias_rows(path, name) == {
            alias: int(version) for alias, version in client.get_registered_model(name).aliases.items()
        }
    assert [version.version for version in tracking.versions("line")] == [3, 1]
