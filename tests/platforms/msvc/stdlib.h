/* What the library needs of it, so that its sources can be parsed by Visual C++'s rules where there is no Visual C++. */
#pragma once
#include <stddef.h>

void* malloc(size_t size);
void* calloc(size_t count, size_t size);
void free(void* memory);
char* getenv(const char* name);
__declspec(noreturn) void abort(void);
