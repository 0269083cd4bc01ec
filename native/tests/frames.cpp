/* C++ frames that call back out of a catch block, and of a destructor while an exception is on its way: the C++ runtime keeps
   for each thread which exceptions are caught and how many are on their way. For managed tests; a library of its own.

   SPDX-License-Identifier: MIT */
#include <exception>

#if defined(_WIN32)
#  define NG_EXPORT extern "C" __declspec(dllexport)
#else
#  define NG_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {

// What is thrown: large enough to notice when it is another's.
struct Mishap {
  explicit Mishap(long long stamp) : stamp(stamp), complement(~stamp) {}

  bool is(long long expected) const { return stamp == expected && complement == ~expected; }

  long long stamp;
  long long complement;
};

typedef void (*Callback)(void* context);

// Calls back while whatever is thrown passes by.
class Cleanup {
 public:
  Cleanup(Callback callback, void* context, int* wrong) : callback_(callback), context_(context), wrong_(wrong) {}
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;

  ~Cleanup() {
    callback_(context_);
    if (!std::uncaught_exception()) {
      *wrong_ += 1;
    }
  }

 private:
  Callback callback_;
  void* context_;
  int* wrong_;
};

void rethrow_through(long long stamp, Callback callback, void* context) {
  try {
    throw Mishap(stamp);
  } catch (const Mishap& mishap) {
    callback(context);
    if (!mishap.is(stamp)) {
      throw 0;
    }
    throw; // whatever the C++ runtime takes for the one that is caught
  }
}

}  // namespace

// Throws, calls back out of the handler, throws again what was caught. Returns how much was wrong.
NG_EXPORT int ng_frames_rethrow(long long stamp, Callback callback, void* context) {
  try {
    rethrow_through(stamp, callback, context);
    return 1; // lost
  } catch (const Mishap& mishap) {
    return mishap.is(stamp) ? 0 : 2; // another's
  } catch (...) {
    return 3;
  }
}

// The same inside of another handler, so that two are caught at a time.
NG_EXPORT int ng_frames_nested(long long stamp, Callback callback, void* context) {
  int wrong = 0;
  try {
    try {
      throw Mishap(stamp + 1);
    } catch (const Mishap& outer) {
      wrong += ng_frames_rethrow(stamp, callback, context);
      callback(context);
      wrong += outer.is(stamp + 1) ? 0 : 10;
      throw;
    }
  } catch (const Mishap& mishap) {
    wrong += mishap.is(stamp + 1) ? 0 : 20;
  } catch (...) {
    wrong += 30;
  }
  return wrong;
}

// Calls back out of a destructor, while an exception is on its way.
NG_EXPORT int ng_frames_unwind(long long stamp, Callback callback, void* context) {
  const bool before = std::uncaught_exception(); // of whoever called
  int wrong = 0;
  try {
    Cleanup cleanup(callback, context, &wrong);
    throw Mishap(stamp);
  } catch (const Mishap& mishap) {
    wrong += mishap.is(stamp) ? 0 : 2;
  } catch (...) {
    wrong += 3;
  }
  return wrong + (std::uncaught_exception() != before ? 4 : 0);
}
