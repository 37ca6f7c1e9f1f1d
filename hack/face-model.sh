#!/usr/bin/env bash
# Gets MediaPipe's face_landmarker.task, the model of the student page's second
# engine, and puts it into a namespace in ConfigMaps, as spec.detector.faceModel of
# an Exam wants it (docs/exam.md).
#
#   hack/face-model.sh fetch FILE                      downloads it and checks its SHA-256
#   hack/face-model.sh apply FILE NAMESPACE [PREFIX]   makes PREFIX-0, PREFIX-1 and so on
#                                                      (default face-landmarker), and prints the spec
#
# The download has not been run by our tests, whose machines reach no storage of
# Google's: URL and checksum are those that others publish for version 1. A file
# with another checksum is not kept.
set -euo pipefail

url=https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task
sha256=64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff
# A ConfigMap holds 1 MiB, and an Exam names at most 16.
part_size=1000000
max_parts=16

usage() {
  echo "usage: hack/face-model.sh fetch FILE | apply FILE NAMESPACE [PREFIX]" >&2
  exit 2
}

sum_of() { sha256sum "$1" | cut -d' ' -f1; }

fetch() {
  next=$(mktemp "$1.XXXXXX")
  trap 'rm -f "$next"' EXIT
  curl --fail --location --proto '=https' --max-time 120 --output "$next" "$url"
  if [ "$(sum_of "$next")" != "$sha256" ]; then
    echo "ChecksumMismatch: $url has the SHA-256 $(sum_of "$next"), not $sha256; it is not kept" >&2
    exit 1
  fi
  mv "$next" "$1"
  trap - EXIT
}

apply() {
  local file=$1 namespace=$2 prefix=${3:-face-landmarker} parts part
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  split --bytes=$part_size --numeric-suffixes --suffix-length=2 "$file" "$folder/"
  parts=$(find "$folder" -type f | wc -l)
  if [ "$parts" -lt 1 ] || [ "$parts" -gt $max_parts ]; then
    echo "BadSize: $file makes $parts parts, and an Exam takes 1 to $max_parts" >&2
    exit 1
  fi
  for ((part = 0; part < parts; part++)); do
    # Client-side apply would copy the part into an annotation, which is too small.
    kubectl --namespace "$namespace" create configmap "$prefix-$part" --dry-run=client --output=yaml \
      --from-file="part=$folder/$(printf %02d "$part")" |
      kubectl --namespace "$namespace" apply --server-side --force-conflicts --filename=- >&2
  done
  cat <<END
detector:
  faceModel:
    configMapPrefix: $prefix
    parts: $parts
    sha256: $(sum_of "$file")
END
}

case "${1:-} $#" in
  "fetch 2") fetch "$2" ;;
  "apply 3" | "apply 4") apply "${@:2}" ;;
  *) usage ;;
esac
