using System.Diagnostics;
using System.Runtime;
using System.Runtime.CompilerServices;
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
    private const int RestOfTime = 4; // times as long as a collection
    private const int LongestRest = 1000; // milliseconds
    private const int Attempts = 100; // while another copy of this library learns
    private const int Pause = 10; // milliseconds

    [ThreadStatic]
    private static bool t_isRunning;

    [ThreadStatic]
    private static bool t_rests;

    /// <summary>Whether the calling thread is the one that checks.</summary>
    public static bool IsRunning => t_isRunning;

    /// <summary>Begins to find out where things are in the runtime, and then the check, on a thread of its own.</summary>
    /// <param name="rests">Whether it takes its time: collections in a row would be felt where each walks thousands of stacks.</param>
    /// <param name="settle">Called on that thread at the end, with what went wrong: an <see cref="UnsupportedRuntimeException"/> if something
    /// did not come back as it was; whatever else if there was no stack for it, no memory or no record at the moment.</param>
    /// <exception cref="GreenletException">There is no thread for it at the moment.</exception>
    public static Thread Begin(bool rests, Action<Exception?> settle)
    {
        Thread thread = new(() =>
        {
            t_isRunning = true;
            t_rests = rests;
            Exception? failure = null;
            try
            {
                Initialize();
                Check();
            }
            catch (Exception exception)
            {
                failure = exception;
            }

            settle(failure);
        })
        {
            IsBackground = true,
            Name = "NativeGreenlet check",
        };
        ThreadSupply.Start(thread);
        return thread;
    }

    /// <summary>Rests after a collection, on the thread of a check that takes its time; then waits for the end of a region without
    /// collections. Nothing on others.</summary>
    /// <param name="collection">How long the collection took.</param>
    public static void Rest(TimeSpan collection)
    {
        if (t_rests)
        {
            Thread.Sleep((int)Math.Clamp(collection.TotalMilliseconds * RestOfTime, 1, LongestRest));
            while (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    private static unsafe void Initialize()
    {
        ng_freeze_layout layout = FreezeLayout.Read();
        FreezeLayout.DescribeFrame();
        Accept(&layout);
        if (!KnowsDescriptions())
        {
            FreezeLayout.ForgetDescriptions(ref layout);
            Accept(&layout);
        }
    }

    private static unsafe void Accept(ng_freeze_layout* layout)
    {
        switch (NativeMethods.ng_freeze_initialize(layout))
        {
            case ng_status.OK:
                break;
            case ng_status.ERROR_NOT_SUPPORTED:
                throw new UnsupportedRuntimeException("it was never tried on this system");
            default:
                throw new UnsupportedRuntimeException("the native library does not accept its layout");
        }
    }

    // Of each kind that a shared generic method can run with, and some more.
    private static bool KnowsDescriptions() =>
        Array.TrueForAll(
            [typeof(FreezeCheck), typeof(List<string>), typeof(List<>), typeof(Dictionary<object, int>), typeof(KeyValuePair<string, string>), typeof(string[]), typeof(List<object>[])],
            static type => NativeMethods.ng_freeze_describes((ulong)type.TypeHandle.Value) != 0)
        && Array.TrueForAll(
            [((Func<int>)Shared<object>).Method, ((Func<int>)Shared<string>).Method, ((Func<int>)Shared<List<string>>).Method, ((Func<byte[]>)Fresh).Method],
            static method => NativeMethods.ng_freeze_describes((ulong)method.MethodHandle.Value) != 0);

    private static int Shared<T>()
        where T : class => typeof(T).Name.Length;

    // All are learned side by side and frozen at a time, so that the collections are few.
    private static void Check()
    {
        Rest(TimeSpan.Zero);
        Greenlet[] parked = [Park(Refers), Park(Refers), Park(RefersInto), Park(Pins)];
        GreenletCore[] cores = Array.ConvertAll(parked, static greenlet => greenlet.Core);
        for (int i = 0; i < Attempts && !Carrier.LearnNow(cores); i++)
        {
            Thread.Sleep(Pause); // another copy of this library learns
        }

        Freeze(parked[0], ng_freeze_verdict.POSSIBLE, givesPages: false, "a stack with references");
        Freeze(parked[1], ng_freeze_verdict.POSSIBLE, givesPages: true, "a stack with references whose pages were given back");
        Freeze(parked[2], ng_freeze_verdict.POSSIBLE, givesPages: false, "a stack with a byref");
        Freeze(parked[3], ng_freeze_verdict.PINS, givesPages: false, "a stack that pins an object");
        for (int i = 0; i < Rounds; i++)
        {
            Litter();
            long start = Stopwatch.GetTimestamp();
            GC.Collect(i, GCCollectionMode.Forced, blocking: true, compacting: true);
            Rest(Stopwatch.GetElapsedTime(start));
        }

        Litter();
        foreach (Greenlet greenlet in parked)
        {
            Expect(greenlet.Switch() is true, "what a frozen stack refers to");
        }
    }

    private static Greenlet Park(Func<bool> body)
    {
        Greenlet greenlet = new(_ => body());
        _ = greenlet.Switch();
        return greenlet;
    }

    private static void Freeze(Greenlet greenlet, ng_freeze_verdict expected, bool givesPages, string what)
    {
        ng_freeze_verdict verdict = Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages);
        for (int i = 1; i < Attempts && verdict == ng_freeze_verdict.UNKNOWN; i++)
        {
            Thread.Sleep(Pause); // it takes another lesson, and another copy of this library learns
            verdict = Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages);
        }

        Expect(verdict == expected, $"{what} ({verdict})");
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
