#!/usr/bin/env bash
# Prints a kustomization of config/default, for a folder of bin/, with the images
# that MANAGER_IMAGE, SFU_IMAGE, SCORING_IMAGE and REDIS_IMAGE name.
set -euo pipefail

cat <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../config/default]
images:
- {name: ghcr.io/invigil/manager, newName: "${MANAGER_IMAGE%:*}", newTag: "${MANAGER_IMAGE##*:}"}
patches:
- target: {kind: Deployment, name: invigil-manager}
  patch: |
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--sfu-image=$SFU_IMAGE"}
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--scoring-image=$SCORING_IMAGE"}
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--redis-image=$REDIS_IMAGE"}
YAML
