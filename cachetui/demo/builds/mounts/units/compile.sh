# Compiles each unit into the folder $2, unless the cache in $1 has it.
set -eu
cache=$1 out=$2
mkdir -p "$out"
compiled=0 cached=0
while read -r name rows; do
    key=$(echo "$name $rows" | sha256sum | cut -c1-16)
    if [ -f "$cache/$key" ]; then
        cached=$((cached + 1))
    else
        seq 1 "$rows" | awk '{ print ($1 * 48271) % 65521, $1 }' | sort -n | gzip -9 > "$cache/$key"
        compiled=$((compiled + 1))
        echo "compiled $name ($rows rows)"
    fi
    cp "$cache/$key" "$out/$name"
done < units/list
echo "$compiled compiled, $cached from the cache"
