/* As stdlib.h beside it. */
#pragma once

void _assert(const char* condition, const char* file, unsigned line);
#define assert(condition) ((void)(!!(condition) || (_assert(#condition, __FILE__, __LINE__), 0)))
#if !defined(__cplusplus)
#  define static_assert _Static_assert
#endif
