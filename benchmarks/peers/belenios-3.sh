#!/bin/sh
# Puts belenios-tool 3 into a folder of its own, with the libraries of the Debian release that has it (about 300 MB), and
# prints the program to name in BELENIOS_TOOL. Needs root and debootstrap (apt-get install debootstrap).
set -eu
folder=$(realpath -m "${1:?usage: belenios-3.sh FOLDER}")
debootstrap --variant=minbase --include=belenios-tool trixie "$folder" http://deb.debian.org/debian >&2
lib=$folder/usr/lib/x86_64-linux-gnu
cat > "$folder/belenios-tool" <<EOF
#!/bin/sh
exec $folder/lib64/ld-linux-x86-64.so.2 --library-path $lib $folder/usr/bin/belenios-tool "\$@"
EOF
chmod +x "$folder/belenios-tool"
echo "$folder/belenios-tool"
