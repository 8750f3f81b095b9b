#!/bin/sh
# alone.sh INCLUDE COMPILER LANGUAGE STANDARD [FLAG...]
#
# Each header compiles by itself, whatever was included before it or not, under strict warnings: the C headers as C or C++, the
# others as C++. (What lies in folders below is parts of these.)
set -eu
include=$1 compiler=$2 language=$3 standard=$4
shift 4
case $language in
  c) names='*.h' ;;
  *) names='*.h*' ;;
esac
cd "$include"
status=0 count=0
for header in $(find forklift -maxdepth 1 -name "$names" | sort); do
  count=$((count + 1))
  printf '#include <%s>\n' "$header" | "$compiler" -x "$language" -std="$standard" "$@" -Wall -Wextra -Wpedantic -Wshadow \
    -Wconversion -Werror -fsyntax-only -I "$include" - || status=1
done
[ "$count" -gt 0 ] || status=1
exit "$status"
