# Draws the pictures of the list and packs them into the folder $1.
set -eu
out=$1
mkdir -p "$out"
while read -r name left top width; do
    awk -v left="$left" -v top="$top" -v width="$width" 'BEGIN {
        print "P3", 160, 120, 255
        for (y = 0; y < 120; y++) for (x = 0; x < 160; x++) {
            cx = left + x * width / 160; cy = top + y * width / 160
            a = b = n = 0
            while (n < 32 && a * a + b * b < 4) {
                t = a * a - b * b + cx; b = 2 * a * b + cy; a = t; n++
            }
            print n * 8 % 256, n * 31 % 256, 255 - n * 7
        }
    }' > "$out/$name.ppm"
    before=$(wc -c < "$out/$name.ppm")
    gzip -9 "$out/$name.ppm"
    echo "$name: $before bytes drawn, $(wc -c < "$out/$name.ppm.gz") packed"
done < pictures/list
