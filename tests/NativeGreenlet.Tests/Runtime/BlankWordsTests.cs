using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Words of a Thread object that the runtime does not set: what the heap left there may lead into a stack.</summary>
public sealed unsafe class BlankWordsTests
{
    private const int Blocks = 7; // of one size, that the C library keeps for the thread that freed them

    private static nint s_place; // on the stack of the thread that was last

    // A thread's first greenlet begins inside a catch block, which native code of the runtime has called. So main may have had words
    // that lead into its stack before; what lay where its Thread object was made is none. The C library gives a new thread the
    // stack of one that has ended, and a new Thread object the memory that was freed last; where it does not, the next try will do.
    [GlibcFact]
    public void What_the_heap_left_in_a_Thread_object_refuses_no_switch()
    {
        _ = GreenletRuntime.Backend;
        long start = Stopwatch.GetTimestamp();
        bool isMet = false;
        while (!isMet)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < OnThread.Patience, "no Thread object was made of memory that leads into its stack");
            s_place = 0;
            RunThread(() => s_place = Here());
            FillFreeMemory(s_place);
            RunThread(() => isMet = SwitchInCatch());
        }
    }

    private static void RunThread(Action body)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                body();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.UnsafeStart();
        thread.Join();
        Assert.Null(failure);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Here()
    {
        byte here;
        return ((nint)(&here) + 512) & -sizeof(nint); // a caller's frame: it stays in use
    }

    private static bool SwitchInCatch()
    {
        nint place = Here();
        ReadOnlySpan<nint> words = new((void*)ThreadLocator.OfManaged(Thread.CurrentThread), (int)SizeOfThread() / sizeof(nint));
        bool leadsThere = words.Contains(s_place) && Math.Abs(place - s_place) < 2048;
        int sum = 0;
        try
        {
            throw new FormatException();
        }
        catch (FormatException)
        {
            sum += (int)new Greenlet(() => 5).Switch()!;
        }

        Assert.Equal(5, sum);
        return leadsThere;
    }

    private static void FillFreeMemory(nint word)
    {
        nuint size = SizeOfThread();
        nint[] blocks = new nint[Blocks];
        foreach (ref nint block in blocks.AsSpan())
        {
            block = (nint)NativeMemory.Alloc(size);
            new Span<nint>((void*)block, (int)size / sizeof(nint)).Fill(word);
        }

        foreach (nint block in blocks)
        {
            NativeMemory.Free((void*)block);
        }
    }

    private static nuint SizeOfThread() => malloc_usable_size(ThreadLocator.OfManaged(Thread.CurrentThread));

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nuint malloc_usable_size(nint block);

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class GlibcFactAttribute : FactAttribute
    {
        public GlibcFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
            : base(sourceFilePath, sourceLineNumber)
        {
            if (!OperatingSystem.IsLinux() || RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal))
            {
                Skip = "What another C library gives a new thread is not known.";
            }
        }
    }
}
