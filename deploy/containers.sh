#!/usr/bin/env bash
# The training DAG in real containers: build the image, start an MLflow server in one, run every component in one of
# its own against it, and see that the server ends with a @champion.
#
#   make containers          needs a Docker-compatible engine: Docker, or podman behind DOCKER_HOST
#   BUILD="podman build …"   builds the image with something else than `docker build`
#   DATA=folder              a dataset of your own in place of the demo's
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
version=$(rmsnet --version | cut -d' ' -f2)
image=rmsnet:$version
work=${WORK:-$(mktemp -d)}
port=${PORT:-5055}
address=http://127.0.0.1:$port

step() { printf '\n%s  %s\n' "$(date +%T)" "$*"; }

step "build $image"
${BUILD:-docker build} --build-arg VERSION="$version" --build-arg COMMIT="$(git describe --always --abbrev=40 --dirty --exclude='*')" -t "$image" .
docker image inspect "$image" --format '{{.Size}}' | awk '{printf "image size: %.2f GB\n", $1 / 1e9}'

step "MLflow server: SQLite and local artifacts, in a container"
mkdir -p "$work/mlflow"
user=$(id -u):$(id -g)
if [ "$(id -u)" = 0 ]; then user=1000:1000; chown 1000:1000 "$work/mlflow"; chmod 755 "$work"; fi
server=$(docker run --detach --network host --user "$user" --read-only --tmpfs /tmp:exec --volume "$work/mlflow:/mlflow" \
  --env MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false "$image" mlflow server --host 127.0.0.1 --port "$port" --workers 1 \
  --backend-store-uri sqlite:////mlflow/mlflow.db --artifacts-destination /mlflow/artifacts)
trap 'docker logs "$server" >"$work/mlflow.log" 2>&1 || true; docker rm --force "$server" >/dev/null' EXIT
for _ in $(seq 300); do
  if python -c "import urllib.request; urllib.request.urlopen('$address/health', timeout=2)" 2>/dev/null; then break; fi
  sleep 1
done
python -c "import urllib.request; urllib.request.urlopen('$address/health', timeout=5)" || { docker logs "$server"; exit 1; }

data=${DATA:-$work/data}
if [ ! -d "$data" ]; then
  step "simulated dataset"
  rmsnet data simulate --out "$data"
fi

step "training DAG, a container for each component"
python -m pipelines run training source="$data" "$@" --docker --env MLFLOW_TRACKING_URI="$address" --out "$work/run"

step "what the MLflow server holds"
MLFLOW_TRACKING_URI=$address rmsnet registry list
MLFLOW_TRACKING_URI=$address python - <<'PYTHON'
from mlflow import MlflowClient

champion = MlflowClient().get_model_version_by_alias("rmsnet", "champion")
print(f"models:/rmsnet@champion is version {champion.version}, run {champion.run_id}")
PYTHON
step "done; everything is in $work"
