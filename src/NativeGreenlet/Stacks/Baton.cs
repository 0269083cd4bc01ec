using System.Diagnostics;

namespace NativeGreenlet.Stacks;

/// <summary>
/// A permit that one thread gives and one thread waits for. The thread that waits spins for some microseconds, and then blocks.
/// </summary>
/// <remarks>
/// It spins without giving up its processor. <see cref="SemaphoreSlim"/> yields many times before it blocks; where other
/// threads want the processors, each of those yields may cost a time slice.
/// <code>
///             Give                    Wait takes it
///  Empty ------------> Given ---------------------------> Empty
///    | Wait blocks       ^
///    v                   | Give, and wakes
///  Waited for -----------+
/// </code>
/// </remarks>
internal sealed class Baton
{
    private const int Empty = 0;
    private const int Given = 1;
    private const int WaitedFor = 2; // only under the lock does Empty become this
    private const int Spins = 200;
    private const int PausesPerSpin = 4;

    private static readonly int s_spins = Environment.ProcessorCount > 1 ? Spins : 0;

    private readonly object _blocked = new(); // a monitor: Lock cannot be waited on
    private int _state;

    /// <summary>Gives the permit. It must not have been given already.</summary>
    public void Give()
    {
        int before = Interlocked.Exchange(ref _state, Given);
        Debug.Assert(before != Given, "The permit was given twice.");
        if (before == WaitedFor)
        {
            Wake();
        }
    }

    /// <summary>Waits for the permit and takes it.</summary>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted. The permit was not taken.</exception>
    public void Wait()
    {
        for (int i = 0; i < s_spins; i++)
        {
            if (Volatile.Read(ref _state) == Given)
            {
                _state = Empty; // only the thread that waits takes it, and nobody gives it twice
                return;
            }

            Thread.SpinWait(PausesPerSpin);
        }

        lock (_blocked)
        {
            try
            {
                if (Interlocked.CompareExchange(ref _state, WaitedFor, Empty) == Empty)
                {
                    do
                    {
                        _ = Monitor.Wait(_blocked);
                    }
                    while (Volatile.Read(ref _state) == WaitedFor);
                }

                _state = Empty;
            }
            catch (ThreadInterruptedException)
            {
                _ = Interlocked.CompareExchange(ref _state, Empty, WaitedFor);
                throw;
            }
        }
    }

    // The lock is held for a moment, but to wait for it can be interrupted: the permit has been given, so its waiter must wake.
    private void Wake()
    {
        bool isInterrupted = false;
        while (true)
        {
            try
            {
                lock (_blocked)
                {
                    Monitor.Pulse(_blocked);
                }

                break;
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
            }
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
