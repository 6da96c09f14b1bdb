# Unpacks every table in the folder $1 and looks whether its rows are in order.
set -eu
for table in "$1"/*.table; do
    gzip -dc "$table" | sort -nc
    echo "$(basename "$table"): $(gzip -dc "$table" | awk '{ n += $2 } END { print NR, n }') in order"
done
