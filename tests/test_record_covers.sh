#!/bin/sh
# Every example that trains is among those whose replays are compared with running them (test_record_examples.c).
set -eu
cd "$(dirname "$0")/.."
status=0
for file in $(grep -rl 'tr_backward(' --include='*.c' examples); do
    name=$(basename "$file" .c)
    grep -q "^    {\".*\b$name\b.*\", " tests/test_record_examples.c || { echo "examples: $name is not replayed"; status=1; }
done
exit $status
