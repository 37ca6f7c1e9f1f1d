#!/bin/sh
# Checks a folder of exam evidence with sha256sum and openssl alone, so that nobody
# has to trust the program that wrote it. What it checks is in docs/evidence.md.
#
#   verify.sh <folder> <public key, PEM>
#
# Prints one line per problem and ends with 1 if there is one, 2 if it cannot run.
set -u
LC_ALL=C
export LC_ALL

[ $# -eq 2 ] && [ -d "$1" ] && [ -r "$2" ] || { echo "usage: $0 <folder> <public key>" >&2; exit 2; }
key=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$1" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
: >"$work/problems"
: >"$work/anchors" # <student> <seq> <hash>, from signed objects
: >"$work/receipts" # <blob hash> <before>

problem() { echo "$*" | tee -a "$work/problems"; }
hash() { sha256sum <"$1" | cut -c1-64; }
number() { sed -n "s/^{[^{]*\"$1\":\([0-9]*\).*/\1/p" "$2"; }
text() { sed -n "s/^{[^{]*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2"; }
items() { sed 's/},{/}\n{/g; s/\[{/[\n{/g' "$1" | grep "^{\"$2\""; }

# signed <object>: whether its signature is there and fits.
signed() {
  [ -f "$1" ] || { problem "SignedObjectMissing $1"; return 1; }
  [ -f "$1.sig" ] || { problem "SignatureMissing $1"; return 1; }
  openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$1" -sigfile "$1.sig" >/dev/null 2>&1 ||
    { problem "SignatureBad $1"; return 1; }
  exam=$(text exam "$1")
  [ "${expected_exam:=$exam}" = "$exam" ] || { problem "SignedObjectMisplaced $1"; return 1; }
}

# Each signed object once, also if only its signature is left.
signed_in() { find "$@" \( -name '*.json' -o -name '*.json.sig' \) 2>/dev/null | sed 's/\.sig$//' | sort -u; }

# 1. Signatures: the seal, checkpoints, receipts.
sealed=
for object in $(signed_in sealed.json sealed.json.sig); do
  if signed "$object"; then
    sealed=yes
    items "$object" student | sed 's/^{"student":"\([^"]*\)","seq":\([0-9]*\),"head":"\([0-9a-f]*\)".*/\1 \2 \3/' >"$work/seal"
    cat "$work/seal" >>"$work/anchors"
  fi
done

for object in $(signed_in checkpoints); do
  if signed "$object"; then
    student=$(text student "$object") seq=$(number seq "$object")
    [ "$object" = "$(printf 'checkpoints/%s/%08d.json' "$student" "$seq")" ] ||
      { problem "SignedObjectMisplaced $object"; continue; }
    echo "$student $seq $(text head "$object")" >>"$work/anchors"
  fi
done

for object in $(signed_in receipts); do
  if signed "$object"; then
    before=$(number before "$object")
    items "$object" sha256 | sed "s/^{\"sha256\":\"\([0-9a-f]*\)\".*/\1 $before/" >>"$work/receipts"
  fi
done

find records checkpoints blobs receipts -type f 2>/dev/null |
  grep -Ev '^((records/[^/]+/[0-9]{8}\.json)|(checkpoints/[^/]+/[0-9]{8}\.json(\.sig)?)|(blobs/[0-9a-f]{64}\.jpg)|(receipts/[0-9-]+\.json(\.sig)?))$' |
  while read -r object; do problem "UnexpectedObject $object"; done

# 2. Chains: every record follows the one before it, and is where it says.
{ ls records 2>/dev/null; cut -d' ' -f1 "$work/anchors"; } | sort -u >"$work/students"
while read -r student; do
  last=$(ls "records/$student" 2>/dev/null | sed -n 's/^0*\([1-9][0-9]*\)\.json$/\1/p' | sort -n | tail -1)
  last=${last:-0}
  seq=1 before=
  while [ "$seq" -le "$last" ]; do
    record=$(printf 'records/%s/%08d.json' "$student" "$seq")
    if [ ! -f "$record" ]; then
      problem "RecordMissing $record"
      seq=$((seq + 1)) before=unknown
      continue
    fi
    begin=$(printf '{"version":1,"exam":"%s","student":"%s","seq":%d,"prev":"' "${expected_exam:-}" "$student" "$seq")
    [ -n "${expected_exam:-}" ] || begin='{"version":1,"exam":"'
    case $(head -c 2048 "$record") in
      "$begin"*) ;;
      *) problem "RecordMoved $record" ;;
    esac
    prev=$(text prev "$record")
    [ "$before" = unknown ] || [ "$prev" = "$before" ] || problem "ChainBroken $record"
    before=$(hash "$record")
    grep "^$student $seq " "$work/anchors" | while read -r _ _ head; do
      [ "$head" = "$before" ] || problem "RecordAltered $record (a signature says $head)"
    done

    # 3. Pictures: what the record names is there, or a receipt says where it went.
    at=$(number at "$record")
    grep -o '"sha256":"[0-9a-f]*"' "$record" | cut -d'"' -f4 | while read -r blob; do
      if [ -f "blobs/$blob.jpg" ]; then
        [ "$(hash "blobs/$blob.jpg")" = "$blob" ] || problem "BlobAltered blobs/$blob.jpg ($record)"
      else
        grep "^$blob " "$work/receipts" | while read -r _ until; do
          [ "$at" -lt "$until" ] && echo yes
        done | grep -q yes || problem "BlobMissing blobs/$blob.jpg ($record)"
      fi
    done
    seq=$((seq + 1))
  done

  # 4. The end: not before what a signature saw, and not behind the seal.
  seen=$(grep "^$student " "$work/anchors" | cut -d' ' -f2 | sort -n | tail -1)
  [ "${seen:-0}" -le "$last" ] || problem "TailTruncated records/$student (ends at $last, a signature says $seen)"
  if [ -n "$sealed" ]; then
    end=$(grep "^$student " "$work/seal" | cut -d' ' -f2)
    [ "$last" -le "${end:-0}" ] || problem "RecordAfterSeal records/$student ($last, sealed at ${end:-0})"
  fi
done <"$work/students"

[ -s "$work/problems" ] && exit 1
echo "ok: $(wc -l <"$work/students" | tr -d ' ') students${sealed:+, sealed}"
