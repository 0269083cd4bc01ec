/* As stdlib.h beside it. */
#pragma once
#include <stddef.h>

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* memory, int value, size_t size);
int memcmp(const void* one, const void* other, size_t size);
int strcmp(const char* one, const char* other);
char* strstr(const char* text, const char* part);
void* memchr(const void* memory, int value, size_t size);
