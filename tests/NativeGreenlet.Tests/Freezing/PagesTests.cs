using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Common;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>When the memory of stacks that are frozen goes back to the system. In processes of their own, as
/// <see cref="FreezingTests"/>.</summary>
public class PagesTests
{
    private const int Count = 300;
    private const int HeldWords = 300;
    private const int UsedPages = 8;

    [LinuxFact]
    public void Pages_are_given_back_after_a_time_though_no_collection_comes() => Survives(GiveAfterTime);

    [LinuxFact]
    public void Pages_are_given_back_at_once_in_batches_where_memory_is_short() => Survives(GiveWhereMemoryIsShort, ("DOTNET_GCHighMemPercent", "1"));

    [LinuxFact]
    public void Pages_stay_where_memory_is_not_short() => Survives(KeepPages, ("DOTNET_GCHighMemPercent", "63")); // 99

    [LinuxFact]
    public void Each_word_of_a_stack_comes_back_from_the_copy() => Survives(GiveWordsOfAllKinds);

    [LinuxFact]
    public void Pages_go_that_deeper_calls_used_before() => Survives(GiveWhatWasUsed);

    // Other contexts do not tell where what is in use of a stack begins.
    private static void Survives(Action body, params (string, string)[] environment)
    {
        if (NativeMethods.ng_context_selected() == ng_context_kind.ASSEMBLY)
        {
            FreezingTests.Survives("auto", body, environment);
        }
    }

    internal static void GiveAfterTime() => OnThread.Run(() =>
    {
        (Greenlet[] greenlets, Greenlet hot) = Park();
        Stopwatch watch = Stopwatch.StartNew();
        Freeze(hot);
        Assert.True(CountGiven(greenlets) == 0 || watch.ElapsedMilliseconds > Carrier.PageDelay, "given back at once");
        int collections = GC.CollectionCount(0);
        while (CountGiven(greenlets) < Count)
        {
            Assert.True(watch.Elapsed < OnThread.Patience, $"{CountGiven(greenlets)} of {Count} are given back");
            Thread.Sleep(20);
            _ = hot.Switch();
        }

        Assert.True(GC.CollectionCount(0) - collections < 5, "a timer sees to it");
        End(greenlets);
    });

    private static void GiveWhereMemoryIsShort() => OnThread.Run(() =>
    {
        Carrier.PageDelay = long.MaxValue;
        (Greenlet[] greenlets, Greenlet hot) = Park(ParkedFrames.Plain); // all of one kind: they are frozen at once
        Stopwatch watch = Stopwatch.StartNew();
        for (int given = 0; given < Count;)
        {
            Assert.True(watch.Elapsed < OnThread.Patience, $"{given} of {Count} are given back");
            FreezingTests.Tick();
            FreezingTests.ThrowIfOff();
            for (int i = 0; i < 4; i++)
            {
                _ = hot.Switch();
                int before = given;
                given = CountGiven(greenlets);
                Assert.InRange(given - before, 0, 2 * Carrier.PageBatch); // there and back
            }
        }

        Assert.True(FreezeTick.IsMemoryShort);
        End(greenlets);
    });

    private static void KeepPages() => OnThread.Run(() =>
    {
        Carrier.PageDelay = long.MaxValue;
        (Greenlet[] greenlets, Greenlet hot) = Park();
        Freeze(hot);
        for (int i = 0; i < 10; i++)
        {
            FreezingTests.Tick();
            _ = hot.Switch();
        }

        Assert.Equal(0, CountGiven(greenlets));
        Array.ForEach(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
    });

    // Zeros, which the copy leaves out, in all places; more of them than a word has bits.
    private static void GiveWordsOfAllKinds() => OnThread.Run(() => End(ParkAndGive(HoldWords)));

    private static void GiveWhatWasUsed() => OnThread.Run(() =>
    {
        Greenlet[] greenlets = ParkAndGive(static number =>
        {
            Use(UsedPages);
            return ParkedFrames.Plain(number);
        });
        Assert.Equal(0, Enumerable.Range(1, UsedPages).Sum(page => greenlets.Count(greenlet => IsResident(greenlet, page))));
        End(greenlets);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Use(int pages)
    {
        Span<byte> page = stackalloc byte[Environment.SystemPageSize];
        page.Fill(1);
        return pages == 0 ? 0 : Use(pages - 1) + page[pages];
    }

    private static Greenlet[] ParkAndGive(Func<int, bool> body)
    {
        Carrier.PageDelay = 0;
        (Greenlet[] greenlets, Greenlet hot) = Park(body);
        Stopwatch watch = Stopwatch.StartNew();
        Freeze(hot);
        while (CountGiven(greenlets) < Count)
        {
            Assert.True(watch.Elapsed < OnThread.Patience, $"{CountGiven(greenlets)} of {Count} are given back");
            FreezingTests.Tick();
            _ = hot.Switch();
        }

        return greenlets;
    }

    private static bool HoldWords(int number)
    {
        object mine = new int[] { number };
        Span<ulong> words = stackalloc ulong[HeldWords];
        FillWords(words, number);
        ParkedFrames.Park();
        Span<ulong> expected = new ulong[HeldWords];
        FillWords(expected, number);
        return words.SequenceEqual(expected) && ((int[])mine)[0] == number;
    }

    // Runs of zeros and of others, of any length; no value is an address.
    private static void FillWords(Span<ulong> words, int number)
    {
        Random random = new(number);
        bool isZero = false;
        for (int i = 0; i < words.Length; i++)
        {
            isZero ^= random.Next(1 + (number % 50)) == 0;
            words[i] = isZero ? 0 : ((ulong)random.NextInt64() | (1UL << 63));
        }
    }

    private static (Greenlet[] Parked, Greenlet Hot) Park(Func<int, bool>? body = null)
    {
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => new Greenlet(_ => body is not null ? body(i) : i % 2 == 0 ? ParkedFrames.Inside(i) : ParkedFrames.Plain(i)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        Greenlet hot = new(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        });
        return (greenlets, hot);
    }

    private static void Freeze(Greenlet hot)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Count)
        {
            Assert.True(watch.Elapsed < OnThread.Patience, GreenletRuntime.Description);
            FreezingTests.Tick();
            _ = hot.Switch();
            FreezingTests.ThrowIfOff();
        }
    }

    // The control block of each is at the high end of its stack.
    private static int CountGiven(Greenlet[] greenlets) => greenlets.Count(greenlet => greenlet.Core.IsFrozen && !IsResident(greenlet, 0));

    private static unsafe bool IsResident(Greenlet greenlet, int pagesBelow)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        byte isResident;
        void* address = (void*)(((nuint)greenlet.Core.Park->Native & ~(page - 1)) - ((nuint)pagesBelow * page));
        return mincore(address, page, &isResident) == 0 && (isResident & 1) != 0;
    }

    private static void End(Greenlet[] greenlets)
    {
        Assert.Equal(Count, GreenletDiagnostics.Frozen);
        Collector.Collect();
        Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
        Assert.Equal(0, GreenletDiagnostics.Frozen);
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int mincore(void* address, nuint length, byte* vector);
}
