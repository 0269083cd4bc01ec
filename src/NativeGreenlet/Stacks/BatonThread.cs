using System.Runtime.CompilerServices;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Stacks;

/// <summary>
/// An OS thread as the stack of a greenlet: it runs while it has the baton. Threads whose greenlet has ended wait in a
/// pool for the next.
/// </summary>
internal sealed class BatonThread
{
    private const int MostIdle = 64;
    private const int DefaultStackSize = 1 << 20;
    private const int SmallestStackSize = 1 << 18; // as for segments

    private static readonly Lock s_lock = new();
    private static readonly Stack<BatonThread> s_idle = new();

    private readonly Baton _baton = new();
    private readonly int _stackSize;
    private Carrier? _carrier;
    private nint _bottom; // 0 for a thread that is not ours
    private nint _top;

    private BatonThread(int stackSize)
    {
        _stackSize = stackSize;
    }

    /// <summary>Who gets the baton when the greenlet that runs here has ended and nothing of it is left on this thread:
    /// no variable that keeps another greenlet alive, no context whose handlers have yet to run.</summary>
    public BatonThread? Heir { get; set; }

    /// <summary>How much of its stack lay between here and its first function when it last waited; 0 for a carrier's own
    /// thread.</summary>
    public long BytesUsed => _bottom == 0 ? 0 : _bottom - _top;

    /// <summary>For a carrier's own thread, which only waits.</summary>
    public static BatonThread OfCaller() => new(0);

    /// <summary>A thread that will run a greenlet of a carrier once it gets the baton.</summary>
    /// <exception cref="GreenletException">The system gives no more threads.</exception>
    public static BatonThread Rent(Carrier carrier, int stackSize)
    {
        BatonThread? thread = null;
        lock (s_lock)
        {
            if (stackSize == 0)
            {
                _ = s_idle.TryPop(out thread);
            }
        }

        thread ??= Start(stackSize);
        thread._carrier = carrier;
        return thread;
    }

    /// <summary>Lets it run.</summary>
    public void Give() => _baton.Give();

    /// <summary>Waits, on this very thread, until it may run.</summary>
    public unsafe void Wait()
    {
        byte here;
        _top = (nint)(&here);
        bool isInterrupted = false;
        while (!TryWait())
        {
            isInterrupted = true; // Thread.Interrupt: but another greenlet runs, and this one must not
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt(); // it is for the greenlet, when it waits for something itself
        }
    }

    /// <summary>Takes back one that was rented and never ran.</summary>
    public void Return()
    {
        _carrier = null;
        if (!TryPool())
        {
            _baton.Give(); // to end
        }
    }

    private static BatonThread Start(int stackSize)
    {
        ThreadRoom.Take();
        BatonThread thread = new(stackSize);
        Thread native = new(thread.Serve, stackSize == 0 ? DefaultStackSize : Math.Max(stackSize, SmallestStackSize))
        {
            IsBackground = true,
            Name = "NativeGreenlet stack",
        };
        ThreadSupply.Start(native);
        return thread;
    }

    // Optimized from the first call: unoptimized code would keep the last carrier alive while it waits for the next.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private unsafe void Serve()
    {
        byte here;
        _bottom = (nint)(&here);
        bool isPooled;
        do
        {
            while (!TryWait())
            {
            }

            if (_carrier is not { } carrier)
            {
                return;
            }

            _carrier = null;
            carrier.LiveOnThisThread();
            BatonThread heir = Heir!;
            Heir = null;
            isPooled = TryPool(); // before anyone else runs who may need one
            heir.Give();
        }
        while (isPooled);
    }

    // False if the thread was interrupted instead.
    private bool TryWait()
    {
        try
        {
            _baton.Wait();
            return true;
        }
        catch (ThreadInterruptedException)
        {
            return false;
        }
    }

    private bool TryPool()
    {
        lock (s_lock)
        {
            if (_stackSize != 0 || s_idle.Count >= MostIdle)
            {
                return false;
            }

            s_idle.Push(this);
            return true;
        }
    }
}
