// A C++ function that calls back out of a catch block, and then throws what it caught on.
//
// SPDX-License-Identifier: MIT
#include <exception>

extern "C" int cxx_catch(int code, void (*callback)(void*), void* argument) {
  try {
    try {
      throw code;
    } catch (int) {
      callback(argument);
      throw;
    }
  } catch (int caught) {
    return caught;
  }
}

extern "C" int cxx_in_flight() {
  return (std::current_exception() != nullptr ? 1 : 0) + (std::uncaught_exceptions() != 0 ? 2 : 0);
}

namespace {
struct caller {
  void (*callback)(void*);
  void* argument;
  ~caller() {
    callback(argument);
  }
};
} // namespace

// Calls back while an exception is on its way.
extern "C" int cxx_unwind(int code, void (*callback)(void*), void* argument) {
  try {
    const caller before{callback, argument};
    throw code;
  } catch (int caught) {
    return caught;
  }
}
