#!/bin/sh
# libraries.sh DIRECTORY: makes libstdc++.so.6 and libgcc_s.so.1 for musl there, of Debian's archives for glibc. .NET needs them,
# Debian has none for musl, and Alpine's are not always to be had.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
gcc=$(dirname "$(gcc -print-libgcc-file-name)")
cd "$1"

musl-gcc -O2 -fPIC -c "$here/glibc_names.c" -o glibc_names.o

# The archive hides the unwinder's functions, as befits what is linked in statically. Under other names, with jumps to them
# under their own, they can be seen.
cp "$gcc/libgcc_eh.a" unwinder.a
nm -g --defined-only unwinder.a | awk '$2 == "T" { print $3 }' | sort -u >names
sed 's/.*/& hidden_&/' names >renamed
objcopy --redefine-syms=renamed unwinder.a
{
  echo '.text'
  sed 's/.*/.globl &\n.type &, @function\n&: jmp hidden_&/' names
  echo '.section .note.GNU-stack, "", @progbits'
} >names.s
gcc -c names.s -o names.o

musl-gcc -shared -Wl,--eh-frame-hdr -Wl,-soname,libgcc_s.so.1 -o libgcc_s.so.1 glibc_names.o names.o \
  -Wl,--whole-archive unwinder.a -Wl,--no-whole-archive "$gcc/libgcc.a"
# Two functions are only in the shared library's own objects; nobody calls them.
wide=_ZNSt13basic_istreamIwSt11char_traitsIwEE6ignoreEl
musl-gcc -shared -Wl,--eh-frame-hdr -Wl,-soname,libstdc++.so.6 -nodefaultlibs -o libstdc++.so.6 \
  -Wl,--whole-archive "$gcc/libstdc++_pic.a" -Wl,--no-whole-archive \
  -Wl,--defsym,_ZNSi6ignoreEl=_ZNSi6ignoreEli -Wl,--defsym,"$wide=${wide}j" ./libgcc_s.so.1 "$gcc/libgcc.a" -lc
