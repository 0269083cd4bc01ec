using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Common;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>Parked greenlets that the collector does not walk. Each test runs in a process of its own, because freezing is asked for
/// by an environment variable.</summary>
public class FreezingTests
{
    internal const string Unavailable = "unavailable";

    [Fact]
    public void What_frozen_stacks_refer_to_survives_collections() => Survives("always", HoldEverything);

    [Fact]
    public void What_frozen_stacks_refer_to_survives_a_server_collector() => Survives("always", HoldEverything, ("DOTNET_gcServer", "1"), ("DOTNET_GCHeapCount", "2"));

    [Fact]
    public void A_frozen_greenlet_takes_values_exceptions_and_kills() => Survives("always", UseFrozen);

    [Fact]
    public void The_collector_walks_what_was_thawed() => Survives("always", CollectThawed);

    [Fact]
    public void An_abandoned_frozen_greenlet_is_killed() => Survives("always", AbandonFrozen);

    [Fact]
    public void The_stacks_of_frozen_greenlets_are_given_back_when_their_thread_ends() => Survives("always", EndThread);

    [Fact]
    public void What_cannot_be_frozen_is_told_apart() => Survives("always", Refuse);

    [Fact]
    public void Shapes_that_nothing_needs_make_room_for_others() => Survives("always", MeetManyShapes);

    [Fact]
    public void Greenlets_that_are_parked_for_long_are_frozen_and_others_are_not() => Survives("auto", ParkForLong);

    [Fact]
    public void What_is_continued_soon_after_it_was_frozen_is_not_frozen_every_time() => Survives("auto", ContinueSoon);

    [Fact]
    public void What_cannot_be_frozen_is_looked_at_once_for_each_park() => Survives("auto", LookOnce);

    [Fact]
    public void Greenlets_that_are_parked_for_long_are_frozen_by_default() => Survives(string.Empty, FreezeByDefault);

    // With room for all that is allocated, so that the only collections are those that somebody forces.
    [Fact]
    public void Few_greenlets_cost_no_collection_and_no_look() => Survives(string.Empty, LeaveFewAlone, ("DOTNET_GCgen0size", "0x4000000"));

    [Fact]
    public void Nothing_is_found_out_for_greenlets_that_are_parked_for_a_moment() => Survives(string.Empty, ParkForAMoment, ("DOTNET_GCgen0size", "0x4000000"));

    [Fact]
    public void Greenlets_of_the_check_are_in_no_figure() => Survives(string.Empty, CountOnlyOwn);

    [Fact]
    public void Collections_are_watched_as_long_as_there_are_enough_greenlets() => Survives(string.Empty, HaveEnoughByTurns);

    [Fact]
    public void Nothing_is_frozen_where_the_environment_says_so() => Survives("off", TurnOffByVariable);

    [Fact]
    public void Nothing_is_frozen_where_the_program_says_so() => Survives(string.Empty, TurnOffByProgram);

    [Fact]
    public void A_program_can_ask_for_it() => Survives(string.Empty, AskByProgram);

    [Fact]
    public void A_region_without_collections_has_none() => Survives("auto", StayWithoutCollections);

    [Fact]
    public void Two_lessons_are_never_given_at_a_time() => Survives("auto", GiveTwoLessons);

    [Fact]
    public void The_environment_has_the_last_word() => Survives("off", AskInVain);

    [Fact]
    public void It_is_settled_when_the_first_greenlet_begins() => Survives(string.Empty, AskTooLate);

    [Fact]
    public void Only_what_is_there_can_be_asked_for()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => GreenletRuntime.Freezing = (GreenletFreezing)7);
        Assert.Throws<ArgumentOutOfRangeException>(() => GreenletDiagnostics.Freezing.Refused((GreenletFreezingRefusal)77));
    }

    [Fact]
    public void Where_greenlets_are_threads_it_is_off_with_a_reason()
    {
        InChild.Result child = InChild.Run(TellOffOnThreads, (FreezeSetting.Variable, "auto"), (BackendSelection.Variable, "threads"));
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
    }

    [Fact]
    public void Where_greenlets_are_threads_nothing_is_said_of_it_unless_it_was_asked_for()
    {
        InChild.Result child = InChild.Run(SayNothingOnThreads, (FreezeSetting.Variable, string.Empty), (BackendSelection.Variable, "threads"));
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
    }

    [Fact]
    public void A_wish_that_is_not_known_is_told() => Survives("sometimes", TellUnknownWish);

    [Fact]
    public void A_collector_without_regions_turns_it_off_with_a_reason()
    {
        if (File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "libclrgc.so")))
        {
            Survives("always", TellOff, ("DOTNET_GCName", "libclrgc.so"));
        }
    }

    [Fact]
    public void The_check_at_the_first_use_succeeds_beside_code_that_can_be_unloaded() => Survives("auto", CheckBesideUnloadableCode);

    // The check at the first use finds them, or dies of them.
    [Theory]
    [InlineData("slot")]
    [InlineData("stale")]
    public void A_library_that_freezes_wrongly_is_found(string fault)
    {
        if (!CanFreeze)
        {
            return;
        }

        InChild.Result child = InChild.Run(
            HoldEverything,
            (FreezeSetting.Variable, "always"),
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, fault));
        Assert.True(child.ExitCode != 0 || child.Output.Contains(Unavailable, StringComparison.Ordinal), child.Output);
        Assert.DoesNotContain("frozen: 0 now", child.Output, StringComparison.Ordinal);
    }

    // Where it was tried, on stacks that the collector walks.
    internal static bool CanFreeze =>
        ThisRun.Backend == Backends.Segments && (OperatingSystem.IsLinux() || OperatingSystem.IsWindows()) && GreenletRuntime.Backend == GreenletBackend.Segments;

    internal static void Survives(string wish, Action body, params (string, string)[] environment)
    {
        if (!CanFreeze)
        {
            return;
        }

        InChild.Result child = InChild.Run(body, [(FreezeSetting.Variable, wish), .. environment]);
        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.DoesNotContain(Unavailable, child.Output, StringComparison.Ordinal);
    }

    internal static void ThrowIfOff()
    {
        if (FreezeSetting.Mode == GreenletFreezing.Off)
        {
            Console.WriteLine($"{Unavailable}: {GreenletRuntime.Description}");
            Environment.Exit(0);
        }
    }

    internal static void Tick()
    {
        long before = FreezeTick.Count;
        GC.Collect(0);
        Collector.CollectUntil(() => FreezeTick.Count > before, "the carriers are told of a collection");
    }

    private static void CheckBesideUnloadableCode()
    {
        AssemblyBuilder unloadable = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Unloadable"), AssemblyBuilderAccess.RunAndCollect);
        new Greenlet(() => { }).Switch();
        FreezeLessons.LookForUnloadableCode();
        Assert.Equal(1u, FreezeLessons.MayUnload);
        Assert.True(FreezeLessons.IsReady, GreenletRuntime.Description);
        GC.KeepAlive(unloadable);
    }

    internal static void HoldEverything()
    {
        using CancellationTokenSource ending = new();
        Thread collector = new(() =>
        {
            Random random = new(1);
            byte[][] kept = new byte[200][];
            while (!ending.IsCancellationRequested)
            {
                for (int i = 0; i < 500; i++)
                {
                    kept[random.Next(kept.Length)] = new byte[random.Next(1000)];
                }

                GC.Collect(random.Next(10) switch { < 5 => 0, < 8 => 1, _ => 2 }, GCCollectionMode.Forced, blocking: random.Next(3) != 0, compacting: random.Next(2) == 0);
                Thread.Sleep(1); // or lessons have no time
            }
        });
        collector.Start();
        OnThread.Run(Hold);
        ending.Cancel();
        collector.Join();
        ThrowIfOff();
        Console.WriteLine(FreezeFigures.Line);
        Assert.True(GreenletDiagnostics.Frozen == 0, "all have ended");
    }

    private static void Hold()
    {
        const int Switches = 3000;
        Random random = new(2);
        Greenlet?[] greenlets = new Greenlet?[60];
        int seed = 0;
        long frozen = 0;
        for (int n = 0; n < Switches; n++)
        {
            int i = random.Next(greenlets.Length);
            if (greenlets[i] is null or { IsDead: true })
            {
                int mine = seed++;
                greenlets[i] = new Greenlet(_ => ParkedFrames.All[mine % ParkedFrames.All.Length](mine % 251));
            }

            Assert.True(greenlets[i]!.Switch() is null or true, $"greenlet {i}");
            frozen = Math.Max(frozen, GreenletDiagnostics.Frozen);
        }

        foreach (Greenlet? greenlet in greenlets)
        {
            while (greenlet is { IsDead: false })
            {
                Assert.True(greenlet.Switch() is null or true);
            }
        }

        ThrowIfOff();
        Assert.True(frozen > greenlets.Length / 2, $"{frozen} of {greenlets.Length} were frozen. {FreezeFigures.Line}");
    }

    private static Greenlet Frozen(Func<object?, object?> body)
    {
        Greenlet greenlet = new(body);
        _ = greenlet.Switch();
        ThrowIfOff();
        Assert.True(IsFrozen(greenlet) || FreezeNow(greenlet) == ng_freeze_verdict.POSSIBLE, "frozen");
        return greenlet;
    }

    private static unsafe ng_freeze_verdict FreezeNow(Greenlet greenlet) => Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: false);

    private static bool IsFrozen(Greenlet greenlet) => greenlet.Core.IsFrozen;

    internal static void UseFrozen() => OnThread.Run(() =>
    {
        Greenlet value = Frozen(_ => (string)Greenlet.Current.Parent!.Switch()! + "!");
        long bytes = value.StackBytesUsed;
        Assert.InRange(bytes, 100, 100_000);
        Assert.Equal(GreenletState.Suspended, value.State);
        Assert.Equal(1, GreenletDiagnostics.Frozen);
        StringWriter dump = new();
        GreenletDiagnostics.Dump(dump);
        Assert.Contains(nameof(UseFrozen), dump.ToString(), StringComparison.Ordinal); // thaws it, for a moment
        Assert.Contains("frozen: 1 now", dump.ToString(), StringComparison.Ordinal);
        Assert.Equal("x!", value.Switch("x"));

        Greenlet traced = Frozen(_ => Greenlet.Current.Parent!.Switch());
        Assert.Contains(nameof(UseFrozen), traced.GetStackTrace()!.ToString(), StringComparison.Ordinal);
        _ = traced.Switch();

        Greenlet thrown = Frozen(_ =>
        {
            try
            {
                return Greenlet.Current.Parent!.Switch();
            }
            catch (InvalidOperationException exception)
            {
                return exception.Message;
            }
        });
        Assert.Equal("thrown", thrown.Throw(new InvalidOperationException("thrown")));

        bool hasCleanedUp = false;
        Greenlet disposed = Frozen(_ =>
        {
            try
            {
                return Greenlet.Current.Parent!.Switch();
            }
            finally
            {
                hasCleanedUp = true;
            }
        });
        disposed.Dispose();
        Assert.True(hasCleanedUp && disposed.IsDead);

        Greenlet parent = Frozen(_ => (string)Greenlet.Current.Parent!.Switch()! + " of a child");
        Greenlet child = new(() => (object?)"result") { Parent = parent };
        Assert.Equal("result of a child", child.Switch()); // ends into a frozen one
        AsyncLocal<int> local = new();
        Greenlet context = Frozen(_ =>
        {
            local.Value = 7;
            Greenlet.Current.Parent!.Switch();
            return local.Value;
        });
        Assert.Equal(7, context.Switch());
        Assert.Equal(0, GreenletDiagnostics.Frozen);
    });

    // As where the switch to it has to be tried again, because the collector wants to run.
    internal static unsafe void CollectThawed() => OnThread.Run(() =>
    {
        const int Seed = 7;
        Greenlet[] greenlets = [.. ParkedFrames.All.Select(body => Frozen(_ => body(Seed)))];
        Array.ForEach(greenlets, greenlet =>
        {
            GreenletCore core = greenlet.Core;
            Thaw(core.Park->Frozen, core.FrozenReferences!);
            core.Park->Frozen = null;
            core.FrozenReferences = null;
        });
        for (int i = 0; i < 2; i++)
        {
            _ = ParkedFrames.Bytes(Seed);
            GC.Collect(i, GCCollectionMode.Forced, blocking: true, compacting: true);
        }

        Array.ForEach(greenlets, greenlet =>
        {
            while (!greenlet.IsDead)
            {
                Assert.True(greenlet.Switch() is null or true, "what it refers to");
            }
        });
    });

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Thaw(ng_frozen* frozen, object?[] references)
    {
        fixed (void* first = &Unsafe.As<object?, byte>(ref MemoryMarshal.GetArrayDataReference(references)))
        {
            _ = NativeMethods.ng_thaw(frozen, first);
        }
    }

    internal static void AbandonFrozen() => OnThread.Run(() =>
    {
        int ended = 0;
        WeakReference<object> held = Abandon(() => ended++);
        Collector.CollectUntil(
            () =>
            {
                new Greenlet(() => { }).Switch();
                return ended == 1;
            },
            "the abandoned greenlet");
        Collector.AssertCollected(held, "what it held");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<object> Abandon(Action end)
        {
            WeakReference<object> held = new(new object());
            _ = Frozen(_ =>
            {
                object mine = new();
                held.SetTarget(mine);
                try
                {
                    return Greenlet.Current.Parent!.Switch();
                }
                finally
                {
                    GC.KeepAlive(mine);
                    end();
                }
            });
            return held;
        }
    });

    internal static void EndThread()
    {
        Greenlet? one = null;
        WeakReference<object> held = new(new object());
        Thread thread = new(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                int number = i;
                Greenlet greenlet = Frozen(_ => number % 2 == 0 ? ParkedFrames.Inside(number) : ParkedFrames.Plain(number));
                one ??= greenlet;
            }

            _ = Frozen(_ =>
            {
                object mine = new();
                held.SetTarget(mine);
                ParkedFrames.Park();
                return mine;
            });
        });
        thread.Start();
        thread.Join();
        Collector.CollectUntil(() => one!.IsDead && GreenletDiagnostics.Segments.InUse == 0, "the stacks");
        Collector.AssertCollected(held, "what a frozen stack held");
        Assert.Equal(0, GreenletDiagnostics.Frozen);
        OnThread.Run(() => Assert.True(Frozen(_ => ParkedFrames.Plain(1)).Switch() is true)); // on a stack of theirs
    }

    internal static unsafe void Refuse() => OnThread.Run(() =>
    {
        ThrowIfNotPrepared();
        Assert.Equal(ng_freeze_verdict.PINS, Verdict(_ => Pins(5)));
        Assert.Equal(ng_freeze_verdict.NOT_PLAIN, Verdict(_ =>
        {
            try
            {
                throw new InvalidOperationException();
            }
            catch (InvalidOperationException)
            {
                ParkedFrames.Park();
                return true;
            }
        }));
        Assert.Equal(ng_freeze_verdict.DEEP, Verdict(_ =>
        {
            Span<byte> much = stackalloc byte[40_000];
            much.Fill(3);
            ParkedFrames.Park();
            return much.IndexOfAnyExcept((byte)3) < 0;
        }));

        static ng_freeze_verdict Verdict(Func<object?, object?> body)
        {
            Greenlet greenlet = new(body);
            _ = greenlet.Switch();
            Assert.False(IsFrozen(greenlet));
            ng_freeze_verdict verdict = Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: false);
            Collector.Collect();
            Assert.True(greenlet.Switch() is true);
            return verdict;
        }
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe bool Pins(int seed)
    {
        fixed (byte* first = ParkedFrames.Bytes(seed))
        {
            ParkedFrames.Park();
            return *first == seed;
        }
    }

    private static unsafe void MeetManyShapes() => OnThread.Run(() =>
    {
        const int Limit = 40;
        const int Met = 250;
        ThrowIfNotPrepared();
        NativeMethods.ng_freeze_limit(Limit, 1 << 20);
        List<(Greenlet Greenlet, int Path)> kept = [];
        for (int path = 0; path < Met; path++)
        {
            Greenlet greenlet = FrozenOnPath(path);
            if (path % 25 == 0)
            {
                kept.Add((greenlet, path)); // their shapes cannot go
            }
            else
            {
                Assert.Equal(path, greenlet.Switch());
            }

            GreenletFreezingFigures figures = GreenletDiagnostics.Freezing;
            Assert.True(figures.Shapes <= Limit && figures.ShapeBytes < figures.Shapes * 4000, $"{figures.Shapes} shapes, {figures.ShapeBytes} bytes");
        }

        Assert.True(GreenletDiagnostics.Freezing.Lessons >= Met, $"{GreenletDiagnostics.Freezing.Lessons} lessons");
        Collector.Collect();
        Assert.All(kept, each => Assert.Equal(each.Path, each.Greenlet.Switch()));
        long lessons = GreenletDiagnostics.Freezing.Lessons;
        Assert.Equal(3, FrozenOnPath(3).Switch()); // gone, and learned again
        Assert.True(GreenletDiagnostics.Freezing.Lessons > lessons);
        Assert.Contains(Enumerable.Range(0, 20), _ => IsKnown(3)); // unless its code has been compiled anew meanwhile

        static bool IsKnown(int path)
        {
            long before = GreenletDiagnostics.Freezing.Lessons;
            Assert.Equal(path, FrozenOnPath(path).Switch());
            return GreenletDiagnostics.Freezing.Lessons == before;
        }

        static Greenlet FrozenOnPath(int path)
        {
            string text = new('x', path);
            return Frozen(_ => One(path, 8, text));
        }
    });

    // Each path is other return addresses.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int One(int path, int depth, string text)
    {
        if (depth == 0)
        {
            ParkedFrames.Park();
            return text.Length;
        }

        int result = (path & 1) == 0 ? One(path >> 1, depth - 1, text) : Another(path >> 1, depth - 1, text);
        return result == text.Length ? result : -1;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Another(int path, int depth, string text) => One(path, depth, text) is var result && result == text.Length ? result : -1;

    private static void ThrowIfNotPrepared() => Assert.True(Frozen(_ => ParkedFrames.Plain(1)).Switch() is true);

    internal static void ParkForLong() => OnThread.Run(() =>
    {
        const int Count = 300;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        Greenlet hot = new(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        });
        long least = 0;
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Count && watch.Elapsed < TimeSpan.FromSeconds(40))
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
            for (int i = 0; i < 4; i++)
            {
                _ = hot.Switch();
                Assert.False(IsFrozen(hot));
            }

            ThrowIfOff();
            least++;
        }

        Assert.Equal(Count, GreenletDiagnostics.Frozen);
        Assert.True(least > 2, $"after {least} collections");
        Collector.Collect();
        Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
        Assert.Equal(0, GreenletDiagnostics.Frozen);
        Assert.Contains("frozen, auto", GreenletRuntime.Description, StringComparison.Ordinal);
    });

    // Each is continued as soon as it is frozen.
    private static void ContinueSoon() => OnThread.Run(() =>
    {
        const int Count = 100;
        const int Rounds = 5;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(_ => new Greenlet(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        }))];
        Greenlet other = new(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        });
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        int[] needed = new int[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            needed[round] = CollectionsUntilFrozen();
            Array.ForEach(greenlets, greenlet => greenlet.Switch());
            Assert.Equal(0, GreenletDiagnostics.Frozen);
        }

        Assert.True(needed[^1] >= 16 && needed[^1] > needed[1], $"collections until all are frozen: {string.Join(", ", needed)}");
        int least = int.MaxValue;
        for (int attempt = 0; attempt < 10 && least >= 16; attempt++) // where a method was compiled anew, its shape has to be learned first
        {
            _ = CollectionsUntilFrozen();
            for (int i = 0; i < 5; i++)
            {
                Tick(); // for long
            }

            Array.ForEach(greenlets, greenlet => greenlet.Switch());
            least = Math.Min(least, CollectionsUntilFrozen());
        }

        Assert.True(least < 16, $"{least} collections, after they were frozen for long");

        int CollectionsUntilFrozen()
        {
            int count = 0;
            while (GreenletDiagnostics.Frozen < Count)
            {
                Tick();
                count++;
                _ = other.Switch();
                ThrowIfOff();
                Assert.True(count < 5000, FreezeFigures.Line);
            }

            return count;
        }
    });

    private static void LookOnce() => OnThread.Run(() =>
    {
        const int Count = 100;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => new Greenlet(_ => PinsTwice(i)))];
        for (int round = 1; round <= 2; round++)
        {
            Array.ForEach(greenlets, greenlet => greenlet.Switch());
            int few = Carrier.FewParked * round; // that are not worth a look
            for (int i = 0; GreenletDiagnostics.Freezing.Refused(GreenletFreezingRefusal.Pins) <= round * Count - few || i < 10; i++)
            {
                Tick();
                _ = new Greenlet(() => { }).Switch();
                ThrowIfOff();
                Assert.True(i < 5000, FreezeFigures.Line);
            }

            Assert.True(GreenletDiagnostics.Freezing.Refused(GreenletFreezingRefusal.Pins) <= round * Count, FreezeFigures.Line);
        }

        Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
    });

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe bool PinsTwice(int seed)
    {
        fixed (byte* first = ParkedFrames.Bytes(seed))
        {
            ParkedFrames.Park();
            ParkedFrames.Park();
            return *first == seed;
        }
    }

    private static unsafe void StayLinked(string who) => OnThread.Run(() =>
    {
        Greenlet[] greenlets = [.. Enumerable.Range(0, 200).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        for (int i = 0; i < 5; i++)
        {
            Collector.Collect();
            _ = new Greenlet(() => { }).Switch();
        }

        Assert.Equal(0, GreenletDiagnostics.Frozen);
        Assert.All(greenlets, greenlet => Assert.True(greenlet.Core.Park is null && greenlet.Switch() is true));
        Assert.Contains($"parked greenlets are not frozen ({who})", GreenletRuntime.Description, StringComparison.Ordinal);
        Assert.Equal(GreenletFreezing.Off, GreenletRuntime.Freezing);
        Assert.Equal(0, GreenletDiagnostics.Freezing.Freezes);
    });

    private static void TurnOffByVariable() => StayLinked(FreezeSetting.Variable);

    private static void TurnOffByProgram()
    {
        GreenletRuntime.Freezing = GreenletFreezing.Off;
        StayLinked($"{nameof(GreenletRuntime)}.{nameof(GreenletRuntime.Freezing)}");
    }

    private static void FreezeByDefault()
    {
        Assert.Equal(GreenletFreezing.Auto, GreenletRuntime.Freezing);
        ParkForLong();
        Assert.Contains("parked greenlets are frozen, auto (by default)", GreenletRuntime.Description, StringComparison.Ordinal);
    }

    private static unsafe void LeaveFewAlone() => OnThread.Run(() =>
    {
        const int Forced = 10;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Carrier.FewParked - 2).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))]; // and the one below
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        int before = GC.CollectionCount(0);
        for (int i = 0; i < Forced; i++)
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
            _ = new Greenlet(() => { }).Switch();
        }

        Assert.Equal(Forced, GC.CollectionCount(0) - before);
        Assert.False(FreezeTick.IsStarted);
        Assert.Equal(0, GreenletDiagnostics.Freezing.Lessons);
        Assert.All(greenlets, greenlet => Assert.True(greenlet.Core.Park is null && greenlet.Switch() is true));
    });

    private static void ParkForAMoment() => OnThread.Run(() =>
    {
        const int Forced = 10;
        Greenlet[] greenlets = [.. Enumerable.Range(0, 2 * Carrier.FewParked).Select(_ => new Greenlet(() =>
        {
            while (true)
            {
                ParkedFrames.Park();
            }
        }))];
        int before = GC.CollectionCount(0);
        for (int i = 0; i < Forced; i++)
        {
            Array.ForEach(greenlets, greenlet => greenlet.Switch());
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
        }

        Thread.Sleep(200); // what it would begin is another thread's
        Assert.Equal(Forced, GC.CollectionCount(0) - before);
        Assert.True(FreezeTick.IsStarted);
        Assert.Equal(0, GreenletDiagnostics.Freezing.Lessons);
    });

    private static void CountOnlyOwn() => OnThread.Run(() =>
    {
        Greenlet[] greenlets = [.. Enumerable.Range(0, 2 * Carrier.FewParked).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        (long Live, long Suspended, long Threads, long InUse) own = Figures();
        for (int i = 0; GreenletDiagnostics.Frozen == 0; i++)
        {
            Assert.InRange(i, 0, 10_000);
            _ = new Greenlet(() => { }).Switch();
            if (i % 8 == 0)
            {
                Tick();
            }

            // Not all at once: a stack may be given back between two of them.
            Assert.True(Enumerable.Range(0, 3).Any(_ => Figures() == own), $"{Figures()} instead of {own}");
            Thread.Sleep(1);
        }

        Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));

        static (long Live, long Suspended, long Threads, long InUse) Figures() =>
            (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended, GreenletDiagnostics.Threads, GreenletDiagnostics.Segments.InUse);
    });

    private static void HaveEnoughByTurns() => OnThread.Run(() =>
    {
        for (int round = 0; round < 3; round++)
        {
            Greenlet[] greenlets = [.. Enumerable.Range(0, Carrier.FewParked).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))];
            Array.ForEach(greenlets, greenlet => greenlet.Switch());
            Tick();
            Tick();
            Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
            GC.Collect(0);
            GC.WaitForPendingFinalizers(); // finds that there are not enough
            long last = FreezeTick.Count;
            for (int i = 0; i < 3; i++)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(last, FreezeTick.Count);
        }
    });

    // Each copy of the library in a process gives one at a time.
    private static unsafe void GiveTwoLessons() => OnThread.Run(() =>
    {
        Greenlet greenlet = new(_ => ParkedFrames.Plain(1));
        _ = greenlet.Switch();
        Assert.True(FreezeLessons.IsReady, GreenletRuntime.Description);
        ng_lesson* first;
        ng_lesson* second;
        Assert.Equal(ng_status.OK, NativeMethods.ng_lesson_create(greenlet.Core.Native, &first));
        Assert.Equal(ng_status.RETRY, NativeMethods.ng_lesson_create(greenlet.Core.Native, &second));
        _ = NativeMethods.ng_lesson_finish(first);
        Assert.Equal(ng_status.OK, NativeMethods.ng_lesson_create(greenlet.Core.Native, &second));
        _ = NativeMethods.ng_lesson_finish(second);
        Assert.True(greenlet.Switch() is true);
    });

    // What is due there would be to check the runtime, which collects.
    private static void StayWithoutCollections() => OnThread.Run(() =>
    {
        Greenlet[] greenlets = [.. Enumerable.Range(0, 2 * Carrier.FewParked).Select(i => new Greenlet(_ => ParkedFrames.Plain(i)))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        Carrier carrier = Carrier.OfThisThread;
        for (int i = 0; i < 3; i++) // in the last they have been parked for long enough
        {
            _ = new Greenlet(() => { }).Switch();
            Tick();
            Assert.True(SpinWait.SpinUntil(() => carrier.IsFreezingDue, TimeSpan.FromMinutes(1)));
        }

        Assert.Equal(0, GreenletDiagnostics.Freezing.Lessons);
        Assert.True(GC.TryStartNoGCRegion(1 << 20));
        _ = new Greenlet(() => { }).Switch();
        Thread.Sleep(200); // what it would begin is another thread's
        Assert.Equal(GCLatencyMode.NoGCRegion, GCSettings.LatencyMode);
        GC.EndNoGCRegion();
        Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true));
    });

    private static void AskByProgram()
    {
        GreenletRuntime.Freezing = GreenletFreezing.Auto;
        Assert.Equal(GreenletFreezing.Auto, GreenletRuntime.Freezing);
        ParkForLong();
        Assert.Contains($"frozen, auto ({nameof(GreenletRuntime)}.{nameof(GreenletRuntime.Freezing)})", GreenletRuntime.Description, StringComparison.Ordinal);
        GreenletFreezingFigures figures = GreenletDiagnostics.Freezing;
        Assert.Equal(0, figures.Frozen);
        Assert.True(figures.Freezes >= 300 && figures.Thaws == figures.Freezes, $"{figures.Freezes} freezes, {figures.Thaws} thaws");
        Assert.True(figures.Lessons > 0 && figures.Shapes > 0 && figures.ShapeBytes > figures.Shapes, $"{figures.Lessons} lessons, {figures.Shapes} shapes of {figures.ShapeBytes} bytes");
        Assert.True(figures.Refused(GreenletFreezingRefusal.NotLearned) > 0, "a shape is met several times before it is learned");
        Assert.Equal(0, figures.Refused(GreenletFreezingRefusal.NotLearnable));
    }

    private static void AskInVain()
    {
        GreenletRuntime.Freezing = GreenletFreezing.Always;
        Assert.Equal(GreenletFreezing.Off, GreenletRuntime.Freezing);
        Assert.Contains($"not frozen ({FreezeSetting.Variable})", GreenletRuntime.Description, StringComparison.Ordinal);
    }

    private static void AskTooLate()
    {
        new Greenlet(() => { }).Switch();
        Assert.Throws<InvalidOperationException>(() => GreenletRuntime.Freezing = GreenletFreezing.Auto);
    }

    private static void TellOffOnThreads()
    {
        new Greenlet(() => { }).Switch();
        Assert.Equal(GreenletFreezing.Off, GreenletRuntime.Freezing);
        Assert.Contains("not frozen: they are on Segments only", GreenletRuntime.Description, StringComparison.Ordinal);
    }

    private static void SayNothingOnThreads()
    {
        new Greenlet(() => { }).Switch();
        Assert.Equal(GreenletFreezing.Off, GreenletRuntime.Freezing);
        Assert.DoesNotContain("frozen", GreenletRuntime.Description, StringComparison.Ordinal);
        using StringWriter dump = new();
        GreenletDiagnostics.Dump(dump);
        Assert.DoesNotContain("frozen", dump.ToString(), StringComparison.Ordinal);
    }

    private static void TellUnknownWish() =>
        Assert.Contains($"parked greenlets are not frozen: {FreezeSetting.Variable} is 'sometimes'; it can be auto, off or always", GreenletRuntime.Description, StringComparison.Ordinal);

    private static void TellOff() => OnThread.Run(() =>
    {
        Greenlet greenlet = new(_ => ParkedFrames.Plain(1));
        _ = greenlet.Switch();
        Assert.True(greenlet.Switch() is true);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"not frozen: its collector does not have regions"), GreenletRuntime.Description, StringComparison.Ordinal);
    });
}
