using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Scheduling;

/// <summary>Freezes greenlets of its own before any other is: with references, with a byref into an object, with an object that is
/// pinned. What does not come back as it was, or is not told apart, says that freezing cannot be done on this runtime.</summary>
internal static class FreezeCheck
{
    private const int Size = 100;
    private const int Place = 41;
    private const int Rounds = 2; // young generations: the others may be large, and the program waits

    [ThreadStatic]
    private static bool t_isRunning;

    /// <summary>Whether the calling thread is the one that checks.</summary>
    public static bool IsRunning => t_isRunning;

    /// <summary>Runs the check, on a thread of its own.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something did not come back as it was.</exception>
    /// <exception cref="GreenletException">There is no stack for it, no thread or no record at the moment.</exception>
    public static void Run()
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            t_isRunning = true;
            try
            {
                Check();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        })
        {
            IsBackground = true,
            Name = "NativeGreenlet check",
        };
        ThreadSupply.Start(thread);
        thread.Join();
        if (failure is GreenletException or OutOfMemoryException)
        {
            ExceptionDispatchInfo.Throw(failure); // no stack, no record: that says nothing of the runtime
        }

        if (failure is not null)
        {
            throw failure as UnsupportedRuntimeException ?? new UnsupportedRuntimeException($"the check of freezing failed: {failure.Message}", failure);
        }
    }

    private static void Check()
    {
        Expect(ng_freeze_verdict.POSSIBLE, Refers, givesPages: false, "a stack with references");
        Expect(ng_freeze_verdict.POSSIBLE, Refers, givesPages: true, "a stack with references whose pages were given back");
        Expect(ng_freeze_verdict.POSSIBLE, RefersInto, givesPages: false, "a stack with a byref");
        Expect(ng_freeze_verdict.PINS, Pins, givesPages: false, "a stack that pins an object");
    }

    private static void Expect(ng_freeze_verdict expected, Func<bool> body, bool givesPages, string what)
    {
        ng_freeze_verdict verdict = Freeze(body, givesPages);
        Expect(verdict == expected, $"{what} ({verdict})");
    }

    private static ng_freeze_verdict Freeze(Func<bool> body, bool givesPages)
    {
        Greenlet greenlet = new(_ => body());
        _ = greenlet.Switch();
        ng_freeze_verdict verdict = Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages);
        for (int i = 0; i < Rounds; i++)
        {
            Litter();
            GC.Collect(i, GCCollectionMode.Forced, blocking: true, compacting: true);
        }

        Litter();
        Expect(greenlet.Switch() is true, "what a frozen stack refers to");
        return verdict;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Litter()
    {
        for (int i = 0; i < Size; i++)
        {
            _ = new byte[Size].AsSpan().IndexOf((byte)1);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool Refers()
    {
        byte[] bytes = Fresh();
        string text = new('x', Size);
        object boxed = Size;
        _ = Greenlet.Current.Parent!.Switch();
        return bytes[Place] == Place && text.Length == Size && text[Size - 1] == 'x' && boxed is Size;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool RefersInto()
    {
        byte[] other = Fresh();
        ref byte inside = ref Fresh()[Place]; // alone keeps its array
        _ = Greenlet.Current.Parent!.Switch();
        return inside == Place && Unsafe.Add(ref inside, 1) == Place + 1 && other[Place] == Place;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe bool Pins()
    {
        fixed (byte* inside = &Fresh()[Place])
        {
            _ = Greenlet.Current.Parent!.Switch();
            return *inside == Place;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte[] Fresh()
    {
        byte[] bytes = new byte[Size];
        for (int i = 0; i < Size; i++)
        {
            bytes[i] = (byte)i;
        }

        return bytes;
    }

    private static void Expect(bool condition, string what)
    {
        if (!condition)
        {
            throw new UnsupportedRuntimeException($"the check of freezing failed: {what}");
        }
    }
}
