#!/usr/bin/env bash
# Makes the pictures that are derived from one.jpg, two.jpg and room.jpg, with
# ffmpeg (Debian's package; the tests themselves do not need it). Each gets its
# own number in the corner; truth.json says what is true of it.
set -euo pipefail
cd "$(dirname "$0")"

# The number's twelve blocks: white, black, eight bits, black, white.
mark() {
  local number=$1 bits='10' i
  for i in 7 6 5 4 3 2 1 0; do bits+=$((number >> i & 1)); done
  bits+='01'
  local boxes='drawbox=x=0:y=0:w=144:h=12:color=black:t=fill'
  for ((i = 0; i < 12; i++)); do
    [ "${bits:i:1}" = 0 ] || boxes+=",drawbox=x=$((12 * i)):y=0:w=12:h=12:color=white:t=fill"
  done
  echo "$boxes"
}

# picture NUMBER NAME FILTERS [INPUT...]: the last filter's output is marked.
picture() {
  local number=$1 name=$2 filters=$3
  shift 3
  local inputs=()
  for input in "${@:-one.jpg}"; do inputs+=(-i "$input"); done
  ffmpeg -v error -y "${inputs[@]}" -filter_complex "$filters,$(mark "$number"),format=yuvj420p" \
    -frames:v 1 -q:v 4 -map_metadata -1 -fflags +bitexact -flags:v +bitexact "$name.jpg"
}

# A mouth that opens: what is below the teeth is squeezed towards the chin, and the
# gap is dark. The lips' line is an arc from (279,198) over (317,214) to (355,198).
mouth() {
  local open=$1 arc='(between(X,279,355)*max(0,cos(PI*(X-317)/78)))'
  local line="(198+16*$arc)" gap="($open*$arc)" chin=246
  local from="($line+(Y-$line-$gap)*($chin-$line)/($chin-$line-$gap))"
  local channel
  for channel in r g b; do
    echo -n "${channel}='if(lt(Y,$line)+gt(Y,$chin)+lt($arc,0.01),$channel(X,Y),if(lt(Y,$line+$gap),45,$channel(X,$from)))':"
  done
}

picture 38 one-noisy 'noise=alls=7:allf=t'
picture 39 dark 'lutyuv=y=16+(val-16)*0.17:u=128+(val-128)*0.3:v=128+(val-128)*0.3,noise=alls=5:allf=t'
picture 40 blurred 'gblur=sigma=6'
picture 41 mouth-06 "format=gbrp,geq=$(mouth 6)"
picture 42 mouth-12 "format=gbrp,geq=$(mouth 12)"
# Grace Hopper, from two.jpg, pasted beside: her face's oval is 105, then 60 pixels wide.
picture 43 behind '[1]crop=230:330:375:0,scale=-2:180[b];[0][b]overlay=x=480:y=170' one.jpg two.jpg
picture 44 behind-small '[1]crop=230:330:375:0,scale=-2:104[b];[0][b]overlay=x=520:y=200' one.jpg two.jpg
# Half out of the picture, before the empty room.
picture 45 leaving '[1][0]overlay=x=260:y=0' one.jpg room.jpg
