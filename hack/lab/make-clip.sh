#!/bin/sh
# Makes the two VP8 clips that simulated students send, clip.ivf and black.ivf,
# in the folder client. Needs ffmpeg with libvpx. The result is committed; run it
# again only to change the clips.
set -eu
cd "$(dirname "$0")/client"

# A moving test picture: 6 s at 12/s of 640x360, a key frame every 2 s so that a
# request for one is answered soon, about 300 kbit/s.
encode() {
	source=$1 seconds=$2 rate=$3 target=$4
	ffmpeg -hide_banner -loglevel error -y -f lavfi -i "$source" -t "$seconds" \
		-c:v libvpx -b:v "$rate" -minrate "$rate" -maxrate "$rate" -bufsize "$rate" \
		-g 24 -keyint_min 24 -error-resilient 1 -deadline good -cpu-used 2 -threads 1 \
		-auto-alt-ref 0 -fflags +bitexact -flags:v +bitexact -f ivf "$target"
}

encode 'testsrc2=size=640x360:rate=12' 6 290k clip.ivf
encode 'color=black:size=640x360:rate=12' 2 20k black.ivf
ls -l clip.ivf black.ivf
