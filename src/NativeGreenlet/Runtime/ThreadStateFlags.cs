using System.Runtime.CompilerServices;

namespace NativeGreenlet.Runtime;

/// <summary>Checks that a Thread object has its flags where the descriptor says, by one that everybody can change.</summary>
internal static unsafe class ThreadStateFlags
{
    private const uint Background = 0x200; // Thread::TS_Background
    private const int Attempts = 1000;

    /// <summary>Checks the calling thread's object.</summary>
    /// <param name="state">Where the flags should be.</param>
    /// <param name="hijacked">The flag of a thread that is being stopped, which this one is not.</param>
    /// <exception cref="UnsupportedRuntimeException">They are not there.</exception>
    public static void Check(uint* state, uint hijacked)
    {
        Thread thread = Thread.CurrentThread;
        bool isBackground = thread.IsBackground;
        thread.IsBackground = true;
        bool isSeenSet = (Read(state) & Background) != 0;
        thread.IsBackground = false;
        bool isSeenClear = (Read(state) & Background) == 0;
        thread.IsBackground = isBackground;
        if (!isSeenSet || !isSeenClear)
        {
            throw new UnsupportedRuntimeException("a thread's state is not noted where its descriptor says");
        }

        // A collection may begin this very moment, and stops this thread when one of these calls returns.
        for (int i = 0; (Read(state) & hijacked) != 0; i++)
        {
            if (i == Attempts)
            {
                throw new UnsupportedRuntimeException("a thread's state says that it is being stopped when it is not");
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint Read(uint* state) => Volatile.Read(ref *state);
}
