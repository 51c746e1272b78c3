# usage: own_shell.sh level=N
level=${1#level=}
before=$(date +%s.%N)
head -c 2000000 /dev/zero | gzip -"$level" | wc -c
after=$(date +%s.%N)
echo "level $level took $(echo "$before $after" | awk '{printf "%.3f", $2 - $1}') s"
