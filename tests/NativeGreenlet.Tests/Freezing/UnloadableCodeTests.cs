using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Freezing;

/// <summary>Frozen greenlets that run code which can be unloaded. Each test runs in a process of its own, and the collector checks its heap.</summary>
public class UnloadableCodeTests
{
    private const int Layout = 0b0101;

    internal static readonly (string, string) Verify = ("DOTNET_HeapVerify", "1");

    [Fact]
    public void What_runs_a_frozen_dynamic_method_keeps_its_code() => FreezingTests.Survives("auto", KeepCode, Verify);

    [Fact]
    public void Many_frozen_greenlets_share_what_keeps_their_code() => FreezingTests.Survives("auto", ShareCode, Verify);

    [Fact]
    public void The_code_of_an_abandoned_frozen_greenlet_is_collected() => FreezingTests.Survives("auto", Abandon, Verify);

    [Fact]
    public void The_code_of_what_was_frozen_is_collected_after_its_thread_has_ended() => FreezingTests.Survives("auto", EndThread, Verify);

    [Fact]
    public void A_method_where_another_was_has_a_shape_of_its_own() => FreezingTests.Survives("auto", TakeAddresses, Verify);

    [Fact]
    public void Dynamic_methods_come_and_go_while_each_park_is_frozen() => FreezingTests.Survives("always", ComeAndGo, Verify);

    [Fact]
    public void A_library_that_does_not_keep_code_is_found()
    {
        if (!FreezingTests.CanFreeze)
        {
            return;
        }

        InChild.Result child = InChild.Run(
            KeepCode,
            (FreezeSetting.Variable, "auto"),
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, "code"));
        Assert.NotEqual(0, child.ExitCode);
    }

    internal static void KeepCode() => OnThread.Run(() =>
    {
        const int Count = 12;
        List<WeakReference> methods = [];
        Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => Frozen(i, i % DynamicFrames.Layouts, 1, methods))];
        for (int i = 0; i < 5; i++)
        {
            Collector.Collect();
            UseMethods();
        }

        Assert.Equal(Count, GreenletDiagnostics.Frozen);
        Assert.All(methods, method => Assert.True(method.IsAlive));
        for (int i = 0; i < Count; i++)
        {
            Assert.True(greenlets[i].Switch() is true && greenlets[i].IsDead, $"greenlet {i}");
        }

        AssertGone(methods);
    });

    private static void ShareCode() => OnThread.Run(() =>
    {
        const int Count = 100;
        List<WeakReference> methods = [];
        Greenlet[] greenlets = Share();
        for (int i = 0; i < 3; i++)
        {
            Collector.Collect();
            UseMethods();
        }

        Assert.Equal(Count, GreenletDiagnostics.Frozen);
        Assert.InRange(Kept, 1u, OperatingSystem.IsWindows() ? 4u : 1u); // there, what is left in unused words makes shapes of one kind differ
        for (int i = 0; i < Count; i++)
        {
            Assert.True(greenlets[i].Switch() is true, $"greenlet {i}");
            if (i == Count / 2)
            {
                Collector.Collect();
                UseMethods();
            }
        }

        AssertGone(methods);

        [MethodImpl(MethodImplOptions.NoInlining)]
        Greenlet[] Share()
        {
            Func<int, bool> body = DynamicFrames.Make(Layout, 1, method => methods.Add(Weak(method)));
            Greenlet[] first = [.. Enumerable.Range(0, 4).Select(i => Freeze(new Greenlet(_ => body(i))))]; // what takes a second lesson has two keepers at first
            Assert.All(first, greenlet => Assert.True(greenlet.Switch() is true));
            return [.. Enumerable.Range(0, Count).Select(i => Freeze(new Greenlet(_ => body(i))))];
        }
    });

    private static void Abandon() => OnThread.Run(() =>
    {
        FreezeNothing();
        List<WeakReference> methods = [];
        long shapes = GreenletDiagnostics.Freezing.Shapes;
        Forget();
        Assert.Equal(shapes + 1, GreenletDiagnostics.Freezing.Shapes);
        Collector.CollectUntil(
            () =>
            {
                new Greenlet(() => { }).Switch();
                return GreenletDiagnostics.Live == 0;
            },
            "the abandoned greenlet");
        AssertGone(methods);
        Assert.True(GreenletDiagnostics.Freezing.Shapes <= shapes, $"{GreenletDiagnostics.Freezing.Shapes} shapes instead of {shapes}");

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget() => Frozen(3, Layout, 1, methods);
    });

    private static void EndThread()
    {
        List<WeakReference> methods = [];
        OnThread.Run(() => _ = Frozen(1, Layout, 1, methods));
        AssertGone(methods);
        Assert.Equal(0, GreenletDiagnostics.Frozen);
    }

    private static void TakeAddresses() => OnThread.Run(() =>
    {
        const int Rounds = 12;
        FreezeNothing();
        List<Func<int, bool>> neighbours = [.. Enumerable.Range(0, 50).Select(i => DynamicFrames.Make(i, 0))]; // in memory that remains
        Assert.All(neighbours, neighbour => Assert.True(neighbour(1)));
        List<ulong> hashes = [];
        for (int round = 0; round < Rounds; round++)
        {
            List<WeakReference> methods = [];
            Use(round, methods, hashes);
            AssertGone(methods);
        }

        GC.KeepAlive(neighbours);
        Assert.True(hashes.Distinct().Count() < hashes.Count, "some methods were compiled where others had been");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Use(int round, List<WeakReference> methods, List<ulong> hashes)
        {
            const int Count = 8;
            Greenlet[] greenlets = [.. Enumerable.Range(0, Count).Select(i => Frozen(i, round % 2 == 0 ? Layout : ~Layout, 1, methods, hashes))];
            GC.Collect();
            Assert.All(greenlets, greenlet => Assert.True(greenlet.Switch() is true, $"round {round}"));
        }
    });

    internal static void ComeAndGo() => OnThread.Run(() =>
    {
        const int Switches = 2000;
        Random random = new(3);
        Greenlet?[] greenlets = new Greenlet?[20];
        long frozen = 0;
        for (int n = 0; n < Switches; n++)
        {
            int i = random.Next(greenlets.Length);
            if (greenlets[i] is null or { IsDead: true })
            {
                int seed = random.Next(250);
                greenlets[i] = new Greenlet(_ => DynamicFrames.Run(seed, seed, 6));
            }

            Assert.True(greenlets[i]!.Switch() is null or true, $"switch {n}");
            frozen = Math.Max(frozen, Kept);
            if (n % 100 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        FreezingTests.ThrowIfOff();
        Assert.True(frozen > 0, FreezeFigures.Line);
    });

    // Each shape has its lesson at once.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet Frozen(int seed, int layout, int parks, List<WeakReference> methods, List<ulong>? hashes = null) =>
        Freeze(new Greenlet(_ => DynamicFrames.Run(seed, layout, parks, method => methods.Add(Weak(method)))), hashes);

    private static unsafe Greenlet Freeze(Greenlet greenlet, List<ulong>? hashes = null)
    {
        _ = greenlet.Switch();
        _ = FreezeLessons.IsReady;
        FreezingTests.ThrowIfOff();
        ng_freeze_plan plan;
        if (NativeMethods.ng_freeze_find(greenlet.Core.Native, 0, &plan) == ng_freeze_verdict.POSSIBLE)
        {
            NativeMethods.ng_freeze_cancel(&plan);
        }

        hashes?.Add(plan.hash);
        Assert.Equal(ng_freeze_verdict.POSSIBLE, Carrier.OfThisThread.FreezeNow(greenlet.Core, givesPages: true));
        return greenlet;
    }

    private static void FreezeNothing() => Assert.True(Freeze(new Greenlet(_ => ParkedFrames.Plain(1))).Switch() is true);

    // Alive until nothing can run its code, and that may be freed.
    private static WeakReference Weak(DynamicMethod method) => new(method, trackResurrection: true);

    private static unsafe uint Kept => NativeMethods.ng_freeze_tick(0);

    private static void AssertGone(List<WeakReference> methods)
    {
        Collector.CollectUntil(() => Kept == 0 && !methods.Exists(method => method.IsAlive), "dynamic methods");
        Collector.Collect(); // their code is freed by a finalizer
    }

    // They are compiled where others were.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UseMethods()
    {
        List<Func<int, bool>> bodies = [];
        for (int i = 0; i < 200; i++)
        {
            Func<int, bool> body = DynamicFrames.Make(i, 0);
            Assert.True(body(i));
            bodies.Add(body);
        }

        GC.KeepAlive(bodies);
    }
}
